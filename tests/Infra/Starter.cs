using System.Collections.Concurrent;
using System.Diagnostics;

namespace Run.Tests.Infra;

/// <summary>
/// The one thread that starts processes. The launcher asks the kernel to kill it when its parent ends (PR_SET_PDEATHSIG), and to the kernel
/// the parent is the thread that forked. A thread of the pool may end at any time; this one ends with the test runner.
/// </summary>
#pragma warning disable RS0030 // This is the one place for which Process.Start is banned elsewhere.
internal static class Starter
{
    private static readonly BlockingCollection<(ProcessStartInfo How, TaskCompletionSource<Process> Started)> s_waiting = [];

    /// <summary>
    /// Held for reading while a file is written that may be executed. A process that is forked meanwhile has it open for writing until it
    /// becomes another program, and until then execve(2) fails with ETXTBSY.
    /// </summary>
    public static ReaderWriterLockSlim Writing { get; } = new();

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
            Writing.EnterWriteLock();
            try
            {
                // It returns when the new process has become the program.
                started.SetResult(Process.Start(how)!);
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                started.SetException(e);
            }
            finally
            {
                Writing.ExitWriteLock();
            }
        }
    }
}
