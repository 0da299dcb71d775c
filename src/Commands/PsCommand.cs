using System.Globalization;
using Run.CommandLine;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--ps</c>: lists the running scripts.</summary>
internal static class PsCommand
{
    // Shown for an unknown value. Of a process in another PID namespace, only the lock is known.
    private const string Unknown = "-";

    public static int Execute(RunContext context, Invocation invocation)
    {
        if (invocation.Operands is [var operand] && LockPlace.Split(operand) is var (place, _))
        {
            var holders = Holders(context, place);
            Stdout.Write(invocation.Json ? ToJson(holders) : ToText(holders));
            return 0;
        }

        var running = RunningScript.All(context.Paths.State);
        Stdout.Write(invocation.Json ? ToJson(running) : ToText(running));
        return 0;
    }

    private static string ToText(IEnumerable<RunningScript> running) => Table.Of(
        ["PID", "MODE", "TIME", "USER", "SCRIPT"],
        running.Select(static one => new[]
        {
            one.Holder.ProcessId > 0 ? one.Holder.ProcessId.ToString(CultureInfo.InvariantCulture) : Unknown,
            Mode(one),
            one.Facts is { } facts ? HumanFormat.Age(TimeSpan.FromSeconds(facts.Seconds)) : Unknown,
            one.Facts?.User ?? Unknown,
            one.Script ?? Unknown,
        }));

    private static IReadOnlyList<PlaceHolder> Holders(RunContext context, string place)
    {
        using var session = PlaceSession.Open(context.Configuration.Place(place), PlaceHolder.Self("--ps"));
        return session.Holders();
    }

    private static string ToText(IEnumerable<PlaceHolder> holders) => Table.Of(
        ["HOST", "PID", "TIME", "USER", "SCRIPT"],
        holders.Select(static one => new[]
        {
            one.Host,
            one.ProcessId.ToString(CultureInfo.InvariantCulture),
            one.Seconds is { } seconds ? HumanFormat.Age(TimeSpan.FromSeconds(seconds)) : Unknown,
            one.User,
            one.Script,
        }));

    private static string ToJson(IEnumerable<PlaceHolder> holders) => Json.Array(holders, static (writer, one) =>
    {
        writer.WriteString("host", Messages.Printable(one.Host));
        writer.WriteNumber("pid", one.ProcessId);
        writer.WriteString("mode", "exclusive");
        if (one.Seconds is { } seconds)
        {
            writer.WriteNumber("seconds", seconds);
        }
        else
        {
            writer.WriteNull("seconds");
        }

        writer.WriteString("script", Messages.Printable(one.Script));
        writer.WriteString("user", Messages.Printable(one.User));
    });

    private static string ToJson(IEnumerable<RunningScript> running) => Json.Array(running, static (writer, one) =>
    {
        if (one.Holder.ProcessId > 0)
        {
            writer.WriteNumber("pid", one.Holder.ProcessId);
        }
        else
        {
            writer.WriteNull("pid");
        }

        writer.WriteString("mode", Mode(one));
        if (one.Facts is { } facts)
        {
            writer.WriteNumber("seconds", facts.Seconds);
        }
        else
        {
            writer.WriteNull("seconds");
        }

        writer.WriteString("script", one.Script is null ? null : Messages.Printable(one.Script));
        writer.WriteString("user", one.Facts?.User);
    });

    private static string Mode(RunningScript one) => one.Holder.Mode == LockMode.Exclusive ? "exclusive" : "shared";
}
