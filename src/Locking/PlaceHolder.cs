using System.Globalization;
using System.Text;
using Run.Posix;

namespace Run.Locking;

/// <summary>
/// Who holds a lock of a place, as it says itself: in the <c>application_name</c> of its session, which every other session can read. That
/// has 63 bytes of printable ASCII, so long names are cut.
/// </summary>
/// <param name="Host">The machine.</param>
/// <param name="ProcessId">The script's PID there.</param>
/// <param name="User">Whose process it is.</param>
/// <param name="Script">SCRIPT as typed, without secrets.</param>
internal sealed record PlaceHolder(string Host, int ProcessId, string User, string Script)
{
    private const int MostBytes = 63, MostHost = 22, MostUser = 10;
    private const string Prefix = "run ", Cut = "...";

    /// <summary>How long it has had the lock; null if the server does not show that.</summary>
    public long? Seconds { get; init; }

    /// <summary>This process.</summary>
    public static PlaceHolder Self(string script) =>
        new(Processes.HostName, Processes.Id, Processes.UserName(Processes.EffectiveUser), script);

    /// <summary>From the name of a session; null if it is not one of <c>run</c>'s.</summary>
    public static PlaceHolder? Parse(string applicationName) =>
        applicationName.StartsWith(Prefix, StringComparison.Ordinal)
        && applicationName[Prefix.Length..].Split(' ') is [{ Length: > 0 } host, var id, var user, { Length: > 0 } script]
        && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            ? new PlaceHolder(Decode(host), processId, Decode(user), Decode(script))
            : null;

    /// <summary>Whether it is on the machine of this process, as far as the names show.</summary>
    public bool IsOn(PlaceHolder self) => Parse(self.ApplicationName)?.Host == Host;

    /// <summary>Whether it is this process, as far as the names show.</summary>
    public bool IsSelf(PlaceHolder self) => IsOn(self) && self.ProcessId == ProcessId;

    public string ApplicationName
    {
        get
        {
            // The parts before the first dot are what differs between the machines of a domain. Of a long name the end does, as in pods.
            var host = Encode(Host);
            host = KeepEnd(host.Length <= MostHost || host.IndexOf('.') is not (> 0 and var dot) ? host : host[..dot], MostHost);
            var rest = $"{Prefix}{host} {ProcessId.ToString(CultureInfo.InvariantCulture)} {KeepEnd(Encode(User), MostUser)} ";
            return rest + KeepEnd(Encode(Script), MostBytes - rest.Length);
        }
    }

    /// <summary>Printable ASCII without blanks; every other byte is %XX, as in a URL.</summary>
    private static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var b in OsText.ToBytes(text))
        {
            _ = b is > (byte)' ' and < 0x7f and not (byte)'%'
                ? encoded.Append((char)b)
                : encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return encoded.Length > 0 ? encoded.ToString() : "-";
    }

    private static string KeepEnd(string encoded, int length)
    {
        if (encoded.Length <= length)
        {
            return encoded;
        }

        // Not in the middle of a %XX.
        var start = encoded.Length - (length - Cut.Length);
        start += encoded[start - 1] == '%' ? 2 : encoded[start - 2] == '%' ? 1 : 0;
        return Cut + encoded[start..];
    }

    private static string Decode(string encoded)
    {
        var bytes = new List<byte>(encoded.Length);
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length && byte.TryParse(
                encoded.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                bytes.Add(value);
                i += 2;
            }
            else
            {
                bytes.AddRange(OsText.ToBytes(encoded[i].ToString()));
            }
        }

        return OsText.FromBytes([.. bytes]);
    }
}
