using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>Standard output: what was asked for, and nothing else. Scripts have it to themselves.</summary>
internal static class Stdout
{
    public static bool IsTerminal => Descriptors.IsTerminal(Descriptors.Output);

    /// <exception cref="RunException">73: not all of it could be written.</exception>
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
