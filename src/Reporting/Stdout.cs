using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>Standard output: only what was asked for. If a script runs, <c>run</c> prints nothing there.</summary>
internal static class Stdout
{
    public static bool IsTerminal => Descriptors.IsTerminal(Descriptors.Output);

    /// <exception cref="RunException">73: it cannot be written completely.</exception>
    public static void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="Write(string)"/>
    public static void Write(ReadOnlySpan<byte> bytes)
    {
        if (Descriptors.Write(Descriptors.Output, bytes) is not Errno.None and var error)
        {
            throw new RunException(ExitStatus.CannotWrite, $"standard output: {error.Describe()}");
        }
    }
}
