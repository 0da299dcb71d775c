using Run.Configuration;
using Run.Pinning;
using Run.Posix;
using Run.Reporting;


namespace Run.Naming;

/// <summary>
/// What a SCRIPT stands for: a local file, or URLs and the digest that their bytes must have. Made from the command line and run.conf alone;
/// nothing has been looked for yet.
/// </summary>
/// <param name="DisplayName">What messages call it: SCRIPT without its digest and without a secret.</param>
/// <param name="Local">The path of a local file; null for one that is fetched.</param>
/// <param name="Source">Where it is fetched from; null for a full URL.</param>
/// <param name="Urls">Its URL, then those of mirrors. Empty for a local file.</param>
/// <param name="Digest">What its bytes must have, in lower case; null where nothing was asked.</param>
internal sealed record ResolvedScript(string DisplayName, string? Local, Source? Source, IReadOnlyList<string> Urls, string? Digest)
{
    public string Url => Urls[0];

    /// <summary>What messages call it where they tell the reader what to type.</summary>
    public string ShellQuoted => ShellWords.Join([DisplayName]);

    /// <summary>The URL that SCRIPT itself stands for, also where a pin has chosen another ref of its source.</summary>
    public string NamedUrl { get; } = Urls is [var url, ..] ? url : "";

    /// <summary>What the source is asked for, ref included; null for a script without a source.</summary>
    public string? PathAndRef { get; init; }

    /// <summary>The line of run.pins that <see cref="Urls"/> and <see cref="Digest"/> come from.</summary>
    public Pin? Pin { get; init; }

    /// <summary>
    /// What is locked: the URL, whatever its digest and its pin (a script whose pin has moved is still the same script), or a local file's
    /// real path, however it was named.
    /// </summary>
    /// <exception cref="RunException">127: no such file.</exception>
    public string Identity => Local is null
        ? UrlText.WithoutUser(NamedUrl)
        : Kernel.TryRealPath(Local) ?? throw LocalScript.Unreadable(DisplayName, Kernel.LastError);

    /// <exception cref="RunException">64, 78.</exception>
    public static ResolvedScript Resolve(string script, string? digest, Func<RunConf> configuration)
    {
        var name = ScriptName.Parse(script);
        digest = Naming.Digest.Same(name.Digest, digest);
        switch (name)
        {
            case ScriptName.Local local:
                return new ResolvedScript(local.Text, local.Path, null, [], digest);
            case ScriptName.Remote remote:
                var url = RawUrl.ToRaw(UrlText.Normalize(remote.Url));
                return new ResolvedScript(UrlText.Redacted(remote.Text), null, null, [UrlText.Checked(url)], digest);
            default:
                var scoped = (ScriptName.Scoped)name;
                var source = configuration().Source(scoped.Scope);
                var urls = source.Expand(scoped.PathAndRef);
                foreach (var each in urls)
                {
                    _ = UrlText.Checked(each);
                }

                return new ResolvedScript(scoped.Text, null, source, urls, digest) { PathAndRef = scoped.PathAndRef };
        }
    }
}
