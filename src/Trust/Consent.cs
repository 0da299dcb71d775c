using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Execution;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Trust;

/// <summary>
/// The user's consent to run a script whose source says <c>trust: ask</c>. The question is asked on the terminal, even if standard input
/// and output are redirected. The answer is remembered for these bytes of this URL.
/// </summary>
internal sealed class Consent
{
    private readonly ResolvedScript _script;
    private readonly string _directory;
    private readonly string _cacheRoot;
    private readonly ReadSet _reads;

    // The digest accepted in this process, even if it could not be saved.
    private string? _given;

    private readonly Scope _scope;

    private Consent(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads, Scope scope) =>
        (_script, _directory, _cacheRoot, _reads, _scope) = (script, $"{stateDirectory}/accepted", cacheRoot, reads, scope);

    private enum Scope
    {
        /// <summary>All bytes that were not accepted before.</summary>
        All,

        /// <summary>Only a first fetch, and only on a terminal.</summary>
        FirstFetch,

        /// <summary>Only what would take an accepted copy's place, and that is refused without a question.</summary>
        Replacement,
    }

    /// <summary>Null if there is nothing to ask. A digest, pinned or on the command line, already counts as consent.</summary>
    /// <param name="stateDirectory">The directory in which answers are remembered.</param>
    /// <param name="cacheRoot">The directory in which the diff is staged.</param>
    public static Consent? For(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads) =>
        script is { Source.Trust: TrustLevel.Ask, HasDigest: false }
            ? new Consent(script, stateDirectory, cacheRoot, reads, Scope.All)
            : null;

    /// <summary>
    /// As <see cref="For"/>, for a script that is only fetched. Nobody is asked, and nothing is accepted by that. So the copy that was
    /// accepted stays, and can still be run.
    /// </summary>
    /// <inheritdoc cref="For"/>
    public static Consent? ForFetch(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads) =>
        script is { Source.Trust: TrustLevel.Ask, HasDigest: false }
            ? new Consent(script, stateDirectory, cacheRoot, reads, Scope.Replacement)
            : null;

    /// <summary>
    /// As <see cref="For"/>, for a script that is about to run. The first fetch of a bare NAME through the built-in <c>default</c> is asked
    /// about as well, because a slip of the finger must not run a stranger's code; off a terminal it is not.
    /// </summary>
    /// <inheritdoc cref="For"/>
    public static Consent? ForRun(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads) =>
        For(script, stateDirectory, cacheRoot, reads)
        ?? (script is { IsBareAndBuiltIn: true, HasDigest: false }
            ? new Consent(script, stateDirectory, cacheRoot, reads, Scope.FirstFetch)
            : null);

    /// <summary>Whether the user must be asked about downloaded bytes.</summary>
    /// <param name="before">The present copy; null for none.</param>
    /// <exception cref="RunException">77: another user could have written an earlier answer.</exception>
    public bool IsNeeded(string content, CachedScript? before)
    {
        if (IsGiven(content))
        {
            return false;
        }

        if (_scope != Scope.FirstFetch)
        {
            return _scope == Scope.All || (before is not null && IsGiven(before.Record.Content));
        }

        using var terminal = before is null ? Terminal.TryOpen() : null;
        return terminal is not null;
    }

    /// <summary>Whether these bytes were accepted before.</summary>
    /// <exception cref="RunException">77: another user could have written the answer.</exception>
    public bool IsGiven(string content) => content == _given
        || (TrustedPath.Check(TrustedPath.Parent(_directory)) is not null && TrustedPath.Check(_directory) is not null
            && TrustedPath.Check(File(content)) is not null);

    /// <summary>Asks about a copy, unless it was accepted before.</summary>
    /// <exception cref="RunException">77: refused, or there is no terminal.</exception>
    public CachedScript Require(CachedScript copy)
    {
        if (_scope == Scope.All && !IsGiven(copy.Record.Content))
        {
            var files = copy.Tree?.Stamps.Files.Count ?? 1;
            Ask(copy.Path, (copy.At(_script).Path, files), copy.Record.Content, copy.Record.Size, copy.Record.SignedBy, null, null);
        }

        return copy;
    }

    /// <summary>Asks about downloaded bytes.</summary>
    /// <param name="path">The file that holds them, or the directory of the tree.</param>
    /// <param name="script">The script itself, and how many files there are with it, itself included.</param>
    /// <param name="content">The digest of the bytes, or of the tree.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="signed">Who has signed it; null if that was not asked.</param>
    /// <param name="listing">Of the tree; null for a single file, and if there is no <paramref name="before"/>.</param>
    /// <param name="before">The present copy. If it was accepted, the changes since then are shown.</param>
    /// <exception cref="RunException">77: refused, or there is no terminal, or nobody is to be asked.</exception>
    public void Ask(
        string path, (string Path, int Files) script, string content, long size, SignedBy? signed, TreeListing? listing,
        CachedScript? before)
    {
        var name = _script.DisplayName;
        if (_scope == Scope.Replacement)
        {
            throw new RunException(
                ExitStatus.Refused, $"{name}: has changed, and the change is not accepted yet, so the accepted copy stays",
                $"run --diff {_script.ShellQuoted} shows the change, run -u {_script.ShellQuoted} on a terminal asks about it");
        }

        using var terminal = Terminal.TryOpen() ?? throw new RunException(
            ExitStatus.Refused, $"{name}: {Kind}:{content} is not accepted yet, and there is no terminal to ask on",
            $"run it once on a terminal; or run --pin {_script.ShellQuoted}; "
                + $"or give the digest: {(_script.Tree is null ? "--sha256 " : Digest.TreeFragment)}HEX");

        var accepted = before is not null && IsGiven(before.Record.Content) ? before : null;
        terminal.Say($"""
            run: {Messages.Printable(name)} {(accepted is null ? "is new" : "has changed")}
                 from    {Messages.Printable(UrlText.Redacted(_script.Url))}
                 size    {HumanFormat.Size(size)}
                 {Kind,-6}  {content}

            """);
        if (signed is not null && _script.Source is { Signers: not null })
        {
            terminal.Say($"     signer  {Messages.Printable(signed.ToString())}\n");
        }

        if (accepted is not null)
        {
            ShowChange(accepted, path, listing, terminal);
        }
        else
        {
            ShowNew(script.Path, terminal);
            if (script.Files > 1)
            {
                terminal.Say($"     this is one of {script.Files} files, and it can use the others\n");
            }
        }

        if (!terminal.Confirm("run it?"))
        {
            throw new RunException(
                ExitStatus.Refused, $"{name}: not accepted, so it is not run",
                $"run --{(accepted is null ? "view" : "diff")} {_script.ShellQuoted} shows it");
        }

        Remember(content);
    }

    /// <summary>Saves the answer, so that run does not ask about these bytes again.</summary>
    public void Remember(string content)
    {
        _given = content;
        try
        {
            TrustedPath.MakePrivateDirectory(_directory);
            var line = $"{_script.DisplayName} {UrlText.Redacted(_script.Url)}\n";
            AtomicFile.Replace(File(content), OsText.ToBytes(line), Permissions.PrivateFile);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Note($"{_script.DisplayName}: run will ask again, because the answer cannot be saved: {e.Message}");
        }
    }

    private string Kind => _script.Tree is null ? "sha256" : "tree";

    private string File(string content) => $"{_directory}/{Cache.Key(_script.Tree?.PackageAndRef ?? _script.Url)}-{content}";

    private void ShowChange(CachedScript before, string path, TreeListing? listing, Terminal terminal)
    {
        using var raw = Cache.Stage(_cacheRoot);
        _ = before.Tree is null || listing is null
            ? DiffProgram.Write(
                (before.Path, DiffProgram.Label(before, _reads.Now)), (path, DiffProgram.Label(_script.Url)), raw.Handle, _reads)
            : DiffProgram.WriteTrees(
                TreeChange.Of((before.Tree.Root, before.Tree.Listing), (path, listing)), _cacheRoot, raw.Handle, _reads);
        using var text = raw.Reopen();
        Show(text, terminal);
    }

    /// <summary>Shows a new script: the whole of a short one, a long one through the pager, and without a pager its beginning.</summary>
    private void ShowNew(string path, Terminal terminal)
    {
        const int MostLines = 20, MostBytes = 64 << 10;
        using var file = Files.Open(path, OpenFlags.ReadOnly).Value;
        if (file is null || Files.Read(file, MostBytes).Value is not { } start)
        {
            return;
        }

        if (start.AsSpan().Contains((byte)0))
        {
            terminal.Say("     it is a program, not text\n");
            return;
        }

        using var text = Files.Open(path, OpenFlags.ReadOnly).Value;
        if (text is null || (start.AsSpan().Count((byte)'\n') > MostLines && Show(text, terminal, fallBack: false)))
        {
            return;
        }

        var lines = OsText.FromBytes(start).TrimEnd('\n').Split('\n');
        foreach (var line in lines.Take(MostLines))
        {
            terminal.Say($"     | {TerminalText.Line(line)}\n");
        }

        if (lines.Length > MostLines)
        {
            terminal.Say($"     … run --view {_script.ShellQuoted} shows the rest\n");
        }
    }

    /// <summary>Shows a text through the pager; if there is none, directly, unless the caller has something better.</summary>
    /// <returns>Whether it has been shown.</returns>
    private bool Show(SafeFileHandle text, Terminal terminal, bool fallBack = true)
    {
        using var shown = Cache.Stage(_cacheRoot);
        DiffProgram.Show(text, line => shown.Write(OsText.ToBytes(line)));
        using var toPage = shown.Reopen();
        if (Pager.Show(toPage, terminal.Handle, _reads))
        {
            return true;
        }

        if (fallBack)
        {
            using var again = shown.Reopen();
            DiffProgram.Show(again, terminal.Say);
        }

        return fallBack;
    }
}
