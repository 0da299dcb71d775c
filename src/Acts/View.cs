using Run.CommandLine;
using Run.Pinning;

namespace Run.Acts;

/// <summary><c>--view</c>: prints the script, and runs nothing.</summary>
internal static class View
{
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        if (wanted.Local is null && Consent.For(wanted, surroundings) is not null && (invocation.Update || Copies.Find(wanted, surroundings.Cache) is null))
        {
            // To look at it is not to accept it: the copy, if there is one, stays.
            using var arrival = Copies.Latest(wanted, surroundings);
            return Print(arrival.Path, wanted);
        }

        return Print(wanted.Local is { } local ? LocalFile.Checked(local, wanted) : Copies.Get(wanted, surroundings, invocation.Update).Path, wanted);
    }

    private static int Print(string path, Wanted wanted)
    {
        const int BufferSize = 64 << 10;
        using var file = LocalFile.Open(path, wanted.Shown);
        while (true)
        {
            var bytes = Kernel.TryRead(file, BufferSize) ?? throw LocalFile.Unreadable(wanted.Shown, Kernel.LastError);
            if (bytes.Length == 0)
            {
                return 0;
            }

            Output.Write(bytes);
        }
    }
}
