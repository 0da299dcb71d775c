using System.Collections.Concurrent;
using System.Diagnostics;

namespace Run.Tests.Infra;

/// <summary>
/// The one thread that starts processes. The launcher asks the kernel to kill it when its parent ends (PR_SET_PDEATHSIG), and to the kernel
/// the parent is the thread that forked. A thread of the pool may end at any time; this one ends with the test runner.
/// </summary>
internal static class Starter
{
    private static readonly BlockingCollection<(ProcessStartInfo How, TaskCompletionSource<Process> Started)> s_waiting = [];

    static Starter() => new Thread(Work) { IsBackground = true, Name = "starter" }.Start();

    public static Process Start(ProcessStartInfo how)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        s_waiting.Add((how, started));
        return started.Task.GetAwaiter().GetResult();
    }

    private static void Work()
    {
        foreach (var (how, started) in s_waiting.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(how)!);
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                started.SetException(e);
            }
        }
    }
}
