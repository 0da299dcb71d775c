using Run.CommandLine;

namespace Run.Acts;

/// <summary><c>--view</c>: prints the script, and runs nothing.</summary>
internal static class View
{
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        const int BufferSize = 64 << 10;
        var wanted = surroundings.Resolve(invocation.Script);
        var path = wanted.Local is { } local ? LocalFile.Checked(local, wanted) : Copies.Get(wanted, surroundings, invocation.Update).Path;
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
