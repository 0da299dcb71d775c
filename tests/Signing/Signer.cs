using System.Diagnostics;

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
        Keygen("", "-q", "-t", type, "-N", "", "-C", name, "-f", Key);
        PublicKey = string.Join(' ', File.ReadAllText($"{Key}.pub").Split(' ')[..2]);
        Fingerprint = Keygen("", "-l", "-f", $"{Key}.pub").Split(' ')[1];
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
        Keygen(text, "-Y", "sign", "-n", purpose, "-f", with ?? Key);

    /// <summary>Makes a certificate of the key, as an authority does.</summary>
    /// <returns>The certificate's file.</returns>
    public string Certify(Signer other, string validity = "-1m:+1d", string? principals = null)
    {
        Keygen("", "-q", "-s", Key, "-I", "id", "-n", principals ?? other.Principal, "-V", validity, $"{other.Key}.pub");
        return $"{other.Key}-cert.pub";
    }

    private static string Keygen(string input, params string[] arguments)
    {
        using var process = Starter.Start(new ProcessStartInfo("ssh-keygen", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"ssh-keygen {string.Join(' ', arguments)}: {errors.Result}");
    }
}

/// <summary>A world whose default source has signers, and where alice and bob have keys.</summary>
internal static class SignedWorld
{
    /// <summary>The file of signers.</summary>
    public static string Signers(this Sandbox box) => $"{box.Home}/signers";

    /// <summary>Writes the file of signers.</summary>
    public static void Allow(this Sandbox box, params string[] lines) => box.Put(box.Signers(), string.Concat(lines), executable: false);

    /// <summary>Serves a script with its signature.</summary>
    public static void Signed(this ScriptServer server, string path, string text, Signer by)
    {
        server[path] = text;
        server[$"{path}.sig"] = by.Sign(text);
    }
}
