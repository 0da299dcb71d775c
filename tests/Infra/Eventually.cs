using System.Diagnostics;

namespace Run.Tests.Infra;

/// <summary>Waits for a condition, instead of for a time.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static async Task True(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > Deadline)
            {
                Assert.Fail($"waited {Deadline.TotalSeconds} s in vain until {what}");
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
