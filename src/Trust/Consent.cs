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
    private const string Yes = "y";
    private readonly ResolvedScript _wanted;
    private readonly XdgPaths _directories;
    private readonly string _temporary;

    // Also where it could not be written down.
    private string? _given;

    private Consent(ResolvedScript wanted, RunContext context) =>
        (_wanted, _directories, _temporary) = (wanted, context.XdgPaths, context.Cache.Root);

    /// <summary>Null where nothing is to be asked. A digest, pinned or on the command line, is an answer already.</summary>
    public static Consent? For(ResolvedScript wanted, RunContext context) =>
        wanted is { Source.Trust: TrustLevel.Ask, Digest: null } ? new Consent(wanted, context) : null;

    public bool IsGiven(string sha256) =>
        sha256 == _given || (XdgPaths.Trusted(_directories.State) is not null && XdgPaths.Trusted(Directory) is not null && XdgPaths.Trusted(File(sha256)) is not null);

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
    /// <param name="before">The copy until now: where it was accepted, what has changed since is shown.</param>
    /// <exception cref="RunException">77: no, or nobody to ask.</exception>
    public void Ask(string path, string sha256, long size, CachedScript? before)
    {
        var shown = _wanted.DisplayName;
        using var terminal = Terminal.TryOpen() ?? throw new RunException(
            ExitStatus.Refused, $"{shown}: sha256:{sha256} is not accepted yet, and there is no terminal to ask on",
            $"run it once on a terminal; or run --pin {_wanted.ShellQuoted}; or give the digest: --sha256 HEX");

        var accepted = before is not null && IsGiven(before.Record.Sha256) ? before : null;
        terminal.Say($"""
            run: {Messages.Printable(shown)} {(accepted is null ? "is new here" : "has changed")}
                 from    {Messages.Printable(UrlText.Redacted(_wanted.Url))}
                 size    {HumanFormat.Size(size)}
                 sha256  {sha256}

            """);
        if (accepted is not null)
        {
            ShowChange(accepted, path, terminal);
        }

        if (terminal.Ask("run it? [y/N] ") != Yes)
        {
            throw new RunException(ExitStatus.Refused, $"{shown}: not accepted, so it does not run", $"run --view {_wanted.ShellQuoted} shows it");
        }

        Remember(sha256);
    }

    /// <summary>Writes down that these bytes need not be asked about again.</summary>
    public void Remember(string sha256)
    {
        _given = sha256;
        try
        {
            XdgPaths.Make(Directory);
            AtomicFile.Replace(File(sha256), OsText.ToBytes($"{_wanted.DisplayName} {UrlText.Redacted(_wanted.Url)}\n"), Permissions.PrivateFile);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Note($"{_wanted.DisplayName}: will be asked about again: {e.Message}");
        }
    }

    private string Directory => $"{_directories.State}/accepted";

    private string File(string sha256) => $"{Directory}/{Cache.Key(_wanted.Url)}-{sha256}";

    private void ShowChange(CachedScript before, string path, Terminal terminal)
    {
        using var raw = StagingFile.Create(_temporary);
        _ = DiffProgram.Write((before.Path, DiffProgram.Label(before, DateTimeOffset.UtcNow)), (path, DiffProgram.Label(_wanted.Url)), raw.Handle);
        using var text = Kernel.TryOpen(raw.Path, Kernel.ReadOnly);
        using var shown = StagingFile.Create(_temporary);
        DiffProgram.Show(text!, line => shown.Write(OsText.ToBytes(line)));
        using var toPage = Kernel.TryOpen(shown.Path, Kernel.ReadOnly);
        if (!Page(toPage!, terminal))
        {
            using var again = Kernel.TryOpen(shown.Path, Kernel.ReadOnly);
            DiffProgram.Show(again!, terminal.Say);
        }
    }

    /// <summary>Through <c>$PAGER</c>, else less, which gets out of the way where one screen is enough, else more. False where there is none.</summary>
    private static bool Page(SafeFileHandle text, Terminal terminal)
    {
        const string Shell = "sh";
        const int NotThere = 127;
        var pager = Kernel.Variable("PAGER") is { Length: > 0 } chosen ? chosen
            : SearchPath.Find("less", out _) is not null ? "less -FX"
            : SearchPath.Find("more", out _) is not null ? "more"
            : null;
        return pager is not null && SearchPath.Find(Shell, out _) is { } shell
            && Kernel.TryRunProgram(shell, [Shell, "-c", pager], text, terminal.Handle) is not (null or NotThere);
    }
}
