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
        if (wanted.Local is null && Consent.For(wanted, context.Paths.State, context.Cache.Root, context.Reads) is not null && (invocation.Update || context.Scripts.Find(wanted) is null))
        {
            // To look at it is not to accept it: the copy, if there is one, stays.
            using var arrival = context.Scripts.Latest(wanted);
            return Print(arrival.Path, wanted);
        }

        return Print(wanted.Local is { } local ? LocalScript.Checked(local, wanted) : context.Scripts.Get(wanted, invocation.Update).Path, wanted);
    }

    private static int Print(string path, ResolvedScript wanted)
    {
        const int BufferSize = 64 << 10;
        using var file = LocalScript.Open(path, wanted.DisplayName);
        while (true)
        {
            var bytes = Files.Read(file, BufferSize).OrThrow(error => LocalScript.Unreadable(wanted.DisplayName, error));
            if (bytes.Length == 0)
            {
                return 0;
            }

            Stdout.Write(bytes);
        }
    }
}
