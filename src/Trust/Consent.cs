using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Execution;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

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

    private Consent(ResolvedScript script, string directory, string cacheRoot, ReadSet reads) =>
        (_script, _directory, _cacheRoot, _reads) = (script, directory, cacheRoot, reads);

    /// <summary>Null if there is nothing to ask. A digest, pinned or on the command line, already counts as consent.</summary>
    /// <param name="stateDirectory">The directory in which answers are remembered.</param>
    /// <param name="cacheRoot">The directory in which the diff is staged.</param>
    public static Consent? For(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads) =>
        script is { Source.Trust: TrustLevel.Ask, Digest: null }
            ? new Consent(script, $"{stateDirectory}/accepted", cacheRoot, reads)
            : null;

    /// <summary>Whether these bytes were accepted before.</summary>
    /// <exception cref="RunException">77: another user could have written the answer.</exception>
    public bool IsGiven(string sha256) => sha256 == _given
        || (TrustedPath.Check(TrustedPath.Parent(_directory)) is not null && TrustedPath.Check(_directory) is not null
            && TrustedPath.Check(File(sha256)) is not null);

    /// <summary>Asks about a copy, unless it was accepted before.</summary>
    /// <exception cref="RunException">77: refused, or there is no terminal.</exception>
    public CachedScript Require(CachedScript copy)
    {
        if (!IsGiven(copy.Record.Sha256))
        {
            Ask(copy.Path, copy.Record.Sha256, copy.Record.Size, null);
        }

        return copy;
    }

    /// <summary>Asks about downloaded bytes.</summary>
    /// <param name="path">The file that holds them.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="before">The present copy. If it was accepted, the changes since then are shown.</param>
    /// <exception cref="RunException">77: refused, or there is no terminal.</exception>
    public void Ask(string path, string sha256, long size, CachedScript? before)
    {
        var name = _script.DisplayName;
        using var terminal = Terminal.TryOpen() ?? throw new RunException(
            ExitStatus.Refused, $"{name}: sha256:{sha256} is not accepted yet, and there is no terminal to ask on",
            $"run it once on a terminal; or run --pin {_script.ShellQuoted}; or give the digest: --sha256 HEX");

        var accepted = before is not null && IsGiven(before.Record.Sha256) ? before : null;
        terminal.Say($"""
            run: {Messages.Printable(name)} {(accepted is null ? "is new" : "has changed")}
                 from    {Messages.Printable(UrlText.Redacted(_script.Url))}
                 size    {HumanFormat.Size(size)}
                 sha256  {sha256}

            """);
        if (accepted is not null)
        {
            ShowChange(accepted, path, terminal);
        }

        if (!terminal.Confirm("run it?"))
        {
            throw new RunException(
                ExitStatus.Refused, $"{name}: not accepted, so it is not run", $"run --view {_script.ShellQuoted} shows it");
        }

        Remember(sha256);
    }

    /// <summary>Saves the answer, so that run does not ask about these bytes again.</summary>
    public void Remember(string sha256)
    {
        _given = sha256;
        try
        {
            TrustedPath.MakePrivateDirectory(_directory);
            var line = $"{_script.DisplayName} {UrlText.Redacted(_script.Url)}\n";
            AtomicFile.Replace(File(sha256), OsText.ToBytes(line), Permissions.PrivateFile);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Note($"{_script.DisplayName}: run will ask again, because the answer cannot be saved: {e.Message}");
        }
    }

    private string File(string sha256) => $"{_directory}/{Cache.Key(_script.Url)}-{sha256}";

    private void ShowChange(CachedScript before, string path, Terminal terminal)
    {
        using var raw = Cache.Stage(_cacheRoot);
        _ = DiffProgram.Write(
            (before.Path, DiffProgram.Label(before, _reads.Now)), (path, DiffProgram.Label(_script.Url)), raw.Handle, _reads);
        using var text = raw.Reopen();
        using var shown = Cache.Stage(_cacheRoot);
        DiffProgram.Show(text, line => shown.Write(OsText.ToBytes(line)));
        using var toPage = shown.Reopen();
        if (!Page(toPage, terminal))
        {
            using var again = shown.Reopen();
            DiffProgram.Show(again, terminal.Say);
        }
    }

    /// <summary>
    /// Shows the text with <c>$PAGER</c>, else less, which exits by itself if one screen is enough, else more. False if there is none.
    /// </summary>
    private bool Page(SafeFileHandle text, Terminal terminal)
    {
        const string Shell = "sh";
        const int CommandNotFound = 127;
        var pager = _reads.Variable("PAGER") is { Length: > 0 } chosen ? chosen
            : SearchPath.Find("less", _reads, out _) is not null ? "less -FX"
            : SearchPath.Find("more", _reads, out _) is not null ? "more"
            : null;
        return pager is not null && SearchPath.Find(Shell, _reads, out _) is { } shell
            && ChildProcesses.Run(shell, [Shell, "-c", pager], text, terminal.Handle) is { Succeeded: true, Value: not CommandNotFound };
    }
}
