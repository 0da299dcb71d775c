using System.Text;

namespace Run.Signing;

/// <summary>A commit or an annotated tag with its signature taken out, as git does: gitformat-signature(5).</summary>
/// <param name="Signature">The text of the signature.</param>
/// <param name="Payload">What was signed.</param>
internal sealed record SignedObject(string Signature, byte[] Payload, bool IsTag)
{
    private const string Header = "gpgsig";

    // One for repositories of each hash, so that a commit that is in both can be signed in both.
    private const string Sha1Header = "gpgsig", Sha256Header = "gpgsig-sha256";

    private static readonly string[] s_begins =
        ["-----BEGIN SSH SIGNATURE-----", "-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----", "-----BEGIN SIGNED MESSAGE-----"];

    /// <summary>A commit: its signature is a field of its header.</summary>
    /// <returns>Null if it is not signed.</returns>
    public static SignedObject? OfCommit(byte[] commit, bool isSha256)
    {
        var (payload, signature) = Split(commit, isSha256 ? Sha256Header : Sha1Header);
        return signature.Length > 0 && commit.AsSpan().StartsWith("tree "u8) ? new SignedObject(signature, payload, IsTag: false) : null;
    }

    /// <summary>A tag: its signature is at the end of its message.</summary>
    /// <inheritdoc cref="OfCommit"/>
    public static SignedObject? OfTag(byte[] tag)
    {
        // The last line that begins one. It is not in the header, because a line of that cannot begin with a dash.
        var start = -1;
        for (var at = 0; at < tag.Length;)
        {
            var length = tag.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : tag.Length - at;
            var line = Encoding.Latin1.GetString(tag, at, length);
            start = s_begins.Any(begin => line.StartsWith(begin, StringComparison.Ordinal)) ? at : start;
            at += length;
        }

        return start > 0 && tag.AsSpan().StartsWith("object "u8)
            ? new SignedObject(Encoding.Latin1.GetString(tag.AsSpan(start)), Split(tag[..start], "").Payload, IsTag: true)
            : null;
    }

    /// <summary>Takes the fields of signatures out of a header.</summary>
    /// <param name="name">The one that counts.</param>
    private static (byte[] Payload, string Signature) Split(byte[] text, string name)
    {
        var payload = new MemoryStream(text.Length);
        var signature = new StringBuilder();
        var (isOurs, isAnother) = (false, false);
        for (var at = 0; at < text.Length;)
        {
            var length = text.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : text.Length - at;
            if (text[at] == (byte)'\n')
            {
                // The end of the header.
                payload.Write(text.AsSpan(at));
                break;
            }

            var line = Encoding.Latin1.GetString(text, at, length);
            if (!line.StartsWith(' '))
            {
                isOurs = name.Length > 0 && line.StartsWith(name + " ", StringComparison.Ordinal);
                isAnother = !isOurs && line.StartsWith(Header, StringComparison.Ordinal);
            }

            if (isOurs)
            {
                signature.Append(line[(line.StartsWith(' ') ? 1 : name.Length + 1)..]);
            }
            else if (!isAnother)
            {
                payload.Write(text.AsSpan(at, length));
            }

            at += length;
        }

        return (payload.ToArray(), signature.ToString());
    }
}
