using System.Diagnostics;
using Run.Posix;
using Run.Tests.Git;

namespace Run.Tests.Signing;

/// <summary>
/// Somebody with a real key, who signs with the real ssh-keygen.
/// <code>
/// var alice = new Signer(box, "alice");
/// server["/x"] = text; server["/x.sig"] = alice.Sign(text);
/// </code>
/// </summary>
internal sealed class Signer
{
    private readonly string _directory;

    public Signer(Sandbox box, string name, string type = "ed25519")
    {
        (_directory, Name) = (Directory.CreateDirectory($"{box.Root}/keys").FullName, name);
        Keygen([], "-q", "-t", type, "-N", "", "-C", name, "-f", Key);
        PublicKey = string.Join(' ', File.ReadAllText($"{Key}.pub").Split(' ')[..2]);
        Fingerprint = Keygen([], "-l", "-f", $"{Key}.pub").Split(' ')[1];
    }

    public string Name { get; }

    public string Principal => $"{Name}@example.com";

    /// <summary>The file of the private key.</summary>
    public string Key => $"{_directory}/{Name}";

    /// <summary>Kind and base64, without the comment.</summary>
    public string PublicKey { get; }

    /// <summary><c>SHA256:…</c>.</summary>
    public string Fingerprint { get; }

    /// <summary>A line for a file of signers.</summary>
    /// <param name="options"><c>valid-before="20200101"</c> and the like.</param>
    public string Line(string options = "") => $"{Principal} {options}{(options.Length > 0 ? " " : "")}{PublicKey}\n";

    public string Sign(string text, string purpose = "run", string? with = null) =>
        Keygen(OsText.ToBytes(text), "-Y", "sign", "-n", purpose, "-f", with ?? Key);

    public string Sign(byte[] bytes) => Keygen(bytes, "-Y", "sign", "-n", "run", "-f", Key);

    /// <summary>From now on, signs the commits and tags of the repository.</summary>
    public void Signs(GitSource repository)
    {
        foreach (var (key, value) in (ReadOnlySpan<(string, string)>)[
            ("gpg.format", "ssh"), ("user.signingKey", Key), ("commit.gpgSign", "true"), ("tag.gpgSign", "true")])
        {
            _ = repository.Git("config", key, value);
        }
    }

    /// <summary>Makes a certificate of the key, as an authority does.</summary>
    /// <returns>The certificate's file.</returns>
    public string Certify(Signer other, string validity = "-1m:+1d", string? principals = null)
    {
        Keygen([], "-q", "-s", Key, "-I", "id", "-n", principals ?? other.Principal, "-V", validity, $"{other.Key}.pub");
        return $"{other.Key}-cert.pub";
    }

    private static string Keygen(byte[] input, params string[] arguments)
    {
        using var process = Starter.Start(new ProcessStartInfo("ssh-keygen", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"ssh-keygen {string.Join(' ', arguments)}: {errors.Result}");
    }
}

/// <summary>
/// Sources that have signers.
/// <code>
/// await using var world = await World.Serving();
/// var (alice, mallory) = (world.OnlySigner("alice"), new Signer(world, "mallory"));
/// </code>
/// </summary>
internal static class SignedWorld
{
    /// <summary>The file of signers.</summary>
    public static string Signers(this Sandbox box) => $"{box.Home}/signers";

    /// <summary>Writes the file of signers.</summary>
    public static void Allow(this Sandbox box, params string[] lines) => box.Put(box.Signers(), string.Concat(lines), executable: false);

    /// <summary>Makes the default source one that has signers, and somebody the only one of them.</summary>
    /// <param name="keys">More keys of the source: <c>max-age: 0s</c>.</param>
    public static Signer OnlySigner(this World<ScriptServer> world, string name, params string[] keys)
    {
        var signer = new Signer(world, name);
        world.SourceWith(["signers: ~/signers", .. keys]);
        world.Allow(signer.Line());
        return signer;
    }

    /// <summary>Writes a run.conf with this one source, which has signers.</summary>
    public static void SignedSource(this Sandbox box, string name, string url) =>
        box.Conf($"sources:\n  {name}: {{url: '{url}', signers: ~/signers}}\n");

    /// <summary>Serves a script with its signature.</summary>
    public static void Signed(this ScriptServer server, string path, string text, Signer by)
    {
        server[path] = text;
        server[$"{path}.sig"] = by.Sign(text);
    }
}
