using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--view</c>: prints the script. Nothing is run.</summary>
internal static class ViewCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Resolve(invocation.Script);
        if (script.Local is not null)
        {
            return Print(LocalCopy.PathFor(script, context.Cache), script);
        }

        try
        {
            // Viewing a script does not accept it, so the cached copy is not replaced.
            if (script.Source is { Trust: TrustLevel.Ask } && !context.Offline)
            {
                var copy = context.Scripts.Find(script);
                if (copy is null || invocation.Update || !context.Scripts.IsFresh(copy, script))
                {
                    return PrintLatest(script, context, invocation.Update ? null : copy);
                }
            }

            return Print(context.Scripts.Get(script, invocation.Update).Path, script);
        }
        catch (RunException e) when (e.Unsigned == UnsignedBytes.Cached && context.Scripts.FindAny(script) is { } copy)
        {
            Messages.Note(e.Message, e.Hint);
            return Print(copy.At(script).Path, script);
        }
        catch (RunException e) when (e.Unsigned == UnsignedBytes.Fetched && !context.Offline)
        {
            // What nobody has signed is not kept, and not run, but it may be looked at.
            return PrintLatest(script, context, null);
        }
    }

    /// <param name="old">What is shown if the server cannot be reached; null: nothing.</param>
    private static int PrintLatest(ResolvedScript script, RunContext context, CachedScript? old)
    {
        Download latest;
        try
        {
            latest = context.Scripts.Latest(script, mayBeUnsigned: true);
        }
        catch (RunException e) when (old is not null && ScriptProvider.LeavesOld(e))
        {
            context.Scripts.NoteOld(old, script, e);
            return Print(old.At(script).Path, script);
        }

        using var temporary = latest;
        if (latest.Unsigned is { } unsigned)
        {
            Messages.Note($"{unsigned.Message}, so it is shown and not kept", unsigned.Hint);
        }

        return Print(latest.Script.Path, script);
    }

    /// <summary>Byte for byte, but for a terminal: what people look at before they run it must not be able to hide there.</summary>
    private static int Print(string path, ResolvedScript script)
    {
        const int BufferSize = 64 << 10;
        using var file = LocalScript.Open(path, script.DisplayName);
        if (Stdout.IsTerminal)
        {
            TerminalText.Copy(Read, Stdout.Write);
            return 0;
        }

        for (var bytes = Read(BufferSize); bytes.Length > 0; bytes = Read(BufferSize))
        {
            Stdout.Write(bytes);
        }

        return 0;

        byte[] Read(int most) => Files.Read(file, most).OrThrow(error => LocalScript.Unreadable(script.DisplayName, error));
    }
}
