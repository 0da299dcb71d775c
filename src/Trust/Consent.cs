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
/// The user's word for a script whose source says <c>trust: ask</c>. It is asked for on the terminal, wherever standard input and output
/// lead, and remembered for these bytes of this URL.
/// </summary>
internal sealed class Consent
{
    private readonly ResolvedScript _script;
    private readonly string _directory;
    private readonly string _cacheRoot;
    private readonly ReadSet _reads;

    // Also if it could not be written down.
    private string? _given;

    private Consent(ResolvedScript script, string directory, string cacheRoot, ReadSet reads) =>
        (_script, _directory, _cacheRoot, _reads) = (script, directory, cacheRoot, reads);

    /// <summary>Null if nothing is to be asked. A digest, pinned or on the command line, is an answer already.</summary>
    /// <param name="stateDirectory">Where answers are remembered.</param>
    /// <param name="cacheRoot">Where the change that is shown is staged.</param>
    public static Consent? For(ResolvedScript script, string stateDirectory, string cacheRoot, ReadSet reads) =>
        script is { Source.Trust: TrustLevel.Ask, Digest: null }
            ? new Consent(script, $"{stateDirectory}/accepted", cacheRoot, reads)
            : null;

    /// <exception cref="RunException">77: another user could have given it.</exception>
    public bool IsGiven(string sha256) => sha256 == _given
        || (TrustedPath.Check(TrustedPath.Parent(_directory)) is not null && TrustedPath.Check(_directory) is not null
            && TrustedPath.Check(File(sha256)) is not null);

    /// <summary>Asks about a copy, unless it was accepted before.</summary>
    /// <exception cref="RunException">77.</exception>
    public CachedScript Require(CachedScript copy)
    {
        if (!IsGiven(copy.Record.Sha256))
        {
            Ask(copy.Path, copy.Record.Sha256, copy.Record.Size, null);
        }

        return copy;
    }

    /// <summary>Asks about bytes that have arrived.</summary>
    /// <param name="path">Where they are.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="before">The copy until now: if it was accepted, what has changed since is shown.</param>
    /// <exception cref="RunException">77: no, or nobody to ask.</exception>
    public void Ask(string path, string sha256, long size, CachedScript? before)
    {
        var name = _script.DisplayName;
        using var terminal = Terminal.TryOpen() ?? throw new RunException(
            ExitStatus.Refused, $"{name}: sha256:{sha256} is not accepted yet, and there is no terminal to ask on",
            $"run it once on a terminal; or run --pin {_script.ShellQuoted}; or give the digest: --sha256 HEX");

        var accepted = before is not null && IsGiven(before.Record.Sha256) ? before : null;
        terminal.Say($"""
            run: {Messages.Printable(name)} {(accepted is null ? "is new here" : "has changed")}
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
                ExitStatus.Refused, $"{name}: not accepted, so it does not run", $"run --view {_script.ShellQuoted} shows it");
        }

        Remember(sha256);
    }

    /// <summary>Writes down that these bytes need not be asked about again.</summary>
    public void Remember(string sha256)
    {
        _given = sha256;
        try
        {
            TrustedPath.MakeDirectory(_directory);
            var line = $"{_script.DisplayName} {UrlText.Redacted(_script.Url)}\n";
            AtomicFile.Replace(File(sha256), OsText.ToBytes(line), Permissions.PrivateFile);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Note($"{_script.DisplayName}: will be asked about again: {e.Message}");
        }
    }

    private string File(string sha256) => $"{_directory}/{Cache.Key(_script.Url)}-{sha256}";

    private void ShowChange(CachedScript before, string path, Terminal terminal)
    {
        using var raw = StagingFile.Create(_cacheRoot);
        _ = DiffProgram.Write(
            (before.Path, DiffProgram.Label(before, _reads.Now)), (path, DiffProgram.Label(_script.Url)), raw.Handle, _reads);
        using var text = raw.Reopen();
        using var shown = StagingFile.Create(_cacheRoot);
        DiffProgram.Show(text, line => shown.Write(OsText.ToBytes(line)));
        using var toPage = shown.Reopen();
        if (!Page(toPage, terminal))
        {
            using var again = shown.Reopen();
            DiffProgram.Show(again, terminal.Say);
        }
    }

    /// <summary>
    /// Through <c>$PAGER</c>, else less, which gets out of the way if one screen is enough, else more. False if there is none.
    /// </summary>
    private bool Page(SafeFileHandle text, Terminal terminal)
    {
        const string Shell = "sh";
        const int NotThere = 127;
        var pager = _reads.Variable("PAGER") is { Length: > 0 } chosen ? chosen
            : SearchPath.Find("less", _reads, out _) is not null ? "less -FX"
            : SearchPath.Find("more", _reads, out _) is not null ? "more"
            : null;
        return pager is not null && SearchPath.Find(Shell, _reads, out _) is { } shell
            && ChildProcesses.Run(shell, [Shell, "-c", pager], text, terminal.Handle) is { Succeeded: true, Value: not NotThere };
    }
}
