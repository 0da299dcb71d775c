using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>Standard output: only what was asked for. If a script runs, <c>run</c> prints nothing there.</summary>
internal static class Stdout
{
    public static bool IsTerminal => Descriptors.IsTerminal(Descriptors.Output);

    /// <summary>For what must not be done if it could not be reported.</summary>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public static void Require() => Check(Descriptors.WriteNothing(Descriptors.Output));

    /// <exception cref="RunException">73: it cannot be written completely.</exception>
    public static void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="Write(string)"/>
    public static void Write(ReadOnlySpan<byte> bytes) => Check(Descriptors.Write(Descriptors.Output, bytes));

    private static void Check(Errno error)
    {
        if (error != Errno.None)
        {
            throw new RunException(ExitStatus.CannotWrite, $"standard output: {error.Describe()}");
        }
    }
}
