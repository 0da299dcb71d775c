using Run.CommandLine;
using Run.Execution;
using Run.Locking;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--logs</c>: shows the log of a script that was started with <c>--detach</c>.</summary>
internal static class LogsCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Named(RunFileExpansion.Target(invocation.Script, context));
        var path = Detach.LogFor(LockRequest.Past(script, context.Paths.State));
        using var log = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).OrThrow(error => error == Errno.NoEntry
            ? new RunException(
                ExitStatus.NotFound, $"{script.DisplayName}: no log", $"run --detach {script.ShellQuoted} writes one")
            : new RunException(ExitStatus.CannotWrite, $"{path}: cannot be read: {error.Describe()}"));
        if (Stdout.IsTerminal && Pager.Show(log, null, context.Reads))
        {
            return 0;
        }

        const int BufferSize = 64 << 10;
        while (Files.Read(log, BufferSize).Value is { Length: > 0 } bytes)
        {
            Stdout.Write(bytes);
        }

        return 0;
    }
}
