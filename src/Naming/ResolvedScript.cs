using Run.Reporting;

namespace Run.Naming;

/// <summary>
/// What a SCRIPT stands for: a local file, or URLs and the digest that their bytes must have. Made from the command line and run.conf alone;
/// nothing has been looked for yet.
/// </summary>
/// <param name="DisplayName">What messages call it: SCRIPT without its digest and without a secret.</param>
/// <param name="Local">The path of a local file, relative if it was typed so; null for a script that is fetched.</param>
/// <param name="Source">Where it is fetched from; null for a full URL.</param>
/// <param name="Urls">Its URL, then those of mirrors. Empty for a local file.</param>
/// <param name="Digest">What its bytes must have, in lower case; null if nothing was asked.</param>
internal sealed record ResolvedScript(string DisplayName, string? Local, Source? Source, IReadOnlyList<string> Urls, string? Digest)
{
    public string Url => Urls[0];

    /// <summary>What messages call it if they tell the reader what to type.</summary>
    public string ShellQuoted => ShellWords.Join([DisplayName]);

    /// <summary>The URL that SCRIPT itself stands for, even if a pin has chosen another ref of its source.</summary>
    public string NamedUrl { get; } = Urls is [var url, ..] ? url : "";

    /// <summary>What the source is asked for, ref included; null for a script without a source.</summary>
    public string? PathAndRef { get; init; }

    /// <summary>Whether SCRIPT as it was typed has parts that must not be written down: see <see cref="UrlText.Redacted"/>.</summary>
    public bool HidesSecrets { get; init; }

    /// <summary>The run.pins that <see cref="Urls"/> and <see cref="Digest"/> come from; null if no line of one names the script.</summary>
    public string? PinnedBy { get; init; }

    public bool IsPinned => PinnedBy is not null;

    /// <param name="script">SCRIPT as it was typed.</param>
    /// <param name="digest">What <c>--sha256</c> asks for.</param>
    /// <param name="source">Finds a source by its name; asked only if SCRIPT names one.</param>
    /// <param name="home">The user's home; asked only for <c>~/</c>.</param>
    /// <exception cref="RunException">64, 78.</exception>
    public static ResolvedScript From(string script, string? digest, Func<string, Source> source, Func<string?> home)
    {
        var name = ScriptName.Parse(script);
        digest = Naming.Digest.Same(name.Digest, digest);
        switch (name)
        {
            case ScriptName.Local local:
                return new ResolvedScript(local.Text, local.Path(home), null, [], digest);
            case ScriptName.Remote remote:
                var url = RawUrl.ToRaw(UrlText.Normalize(remote.Url));
                var shown = UrlText.Redacted(remote.Text);
                return new ResolvedScript(shown, null, null, [UrlText.Checked(url)], digest) { HidesSecrets = shown != remote.Text };
            default:
                var scoped = (ScriptName.Scoped)name;
                var its = source(scoped.Scope);
                var urls = its.Expand(scoped.PathAndRef);
                foreach (var each in urls)
                {
                    _ = UrlText.Checked(each);
                }

                return new ResolvedScript(scoped.Text, null, its, urls, digest) { PathAndRef = scoped.PathAndRef };
        }
    }
}
