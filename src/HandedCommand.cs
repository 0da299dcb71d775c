using Run.Acquisition;
using Run.CommandLine;
using Run.Launching;
using Run.Naming;
using Run.Reporting;

namespace Run;

/// <summary>What a launcher of <c>--on</c> starts on other machines: <c>run</c>, with the options that concern them, and SCRIPT.</summary>
internal sealed record HandedCommand(
    RunContext Context, Invocation Invocation, Launcher Launcher, ResolvedScript Script, HandedScript Handed)
{
    /// <summary>The argv of the launcher.</summary>
    public string[] Argv => Words(shown: false);

    /// <summary>The same without secrets.</summary>
    public string[] ShownArgv => Words(shown: true);

    /// <summary>Refuses a script that other machines cannot fetch.</summary>
    /// <exception cref="RunException">64: it is a local file.</exception>
    public static void Check(ResolvedScript script, Launcher launcher)
    {
        if (script.Local is not null)
        {
            throw new RunException(
                ExitStatus.Usage, $"{script.DisplayName}: a local file, which other machines cannot fetch",
                $"if {launcher.Name} works on the files of this machine, say hands: path in run.conf");
        }
    }

    private string[] Words(bool shown)
    {
        var isExclusive = Script.Source is { LockExclusive: true };
        var place = Script.Source?.LockPlace?.Name;
        return Launcher.Argv(
            Script.FileName,
            [
                "run", .. HandedOptions.Of(Invocation, Context.Offline, isExclusive, place, Handed.LockIdentity),
                .. Handed.Words(shown),
                .. Invocation.Arguments,
            ]);
    }
}
