using Run.Acquisition;
using Run.CommandLine;
using Run.Execution;
using Run.Launching;
using Run.Naming;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary>
/// <c>--on</c> with a launcher that starts <c>run</c> on other machines: decides here what is run, and becomes the launcher. (With a
/// launcher that gets the cached file's path, a script is started as by <see cref="RunCommand"/>, under its lock.)
/// </summary>
internal static class OnCommand
{
    /// <summary>Ends only with an exception, because after exec there is no <c>run</c>.</summary>
    public static int Execute(RunContext context, Invocation invocation, Launcher launcher)
    {
        var script = context.Resolve(invocation.Script);
        HandedCommand.Check(script, launcher);
        if (invocation.Detach)
        {
            // It is handed on, and there is no second process here that would say it.
            context.ExplainPaths();
        }

        context.RequirePin(script);
        _ = Engine.Find(launcher, context.Reads);

        // No lock is taken here: it is taken where the script runs.
        var copy = context.Scripts.Get(
            script, invocation.Update, Consent.ForRun(script, context.Paths.State, context.Cache.Root, context.Reads));
        var handed = HandedScript.From(script, copy, context.Cache, context.Scripts, context.Offline);
        var command = new HandedCommand(context, invocation, launcher, script, handed);
        Messages.Step(() => $"executing {ShellWords.Join(command.ShownArgv)}");
        throw Engine.Become(launcher, command.Argv, context.Reads);
    }
}
