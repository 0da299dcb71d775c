using Run.Acquisition;
using Run.CommandLine;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trust;


namespace Run.Commands;

/// <summary><c>--view</c>: prints the script, and runs nothing.</summary>
internal static class ViewCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = context.Resolve(invocation.Script);
        if (wanted.Local is null && Consent.For(wanted, context) is not null && (invocation.Update || ScriptProvider.Find(wanted, context.Cache) is null))
        {
            // To look at it is not to accept it: the copy, if there is one, stays.
            using var arrival = ScriptProvider.Latest(wanted, context);
            return Print(arrival.Path, wanted);
        }

        return Print(wanted.Local is { } local ? LocalScript.Checked(local, wanted) : ScriptProvider.Get(wanted, context, invocation.Update).Path, wanted);
    }

    private static int Print(string path, ResolvedScript wanted)
    {
        const int BufferSize = 64 << 10;
        using var file = LocalScript.Open(path, wanted.DisplayName);
        while (true)
        {
            var bytes = Kernel.TryRead(file, BufferSize) ?? throw LocalScript.Unreadable(wanted.DisplayName, Kernel.LastError);
            if (bytes.Length == 0)
            {
                return 0;
            }

            Stdout.Write(bytes);
        }
    }
}
