using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>Standard output: what was asked for, and nothing else. Scripts have it to themselves.</summary>
internal static class Stdout
{
    private const int StandardOutput = 1;

    public static bool IsTerminal => Kernel.IsTerminal(StandardOutput);

    /// <exception cref="RunException">73: not all of it could be written.</exception>
    public static void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="Write(string)"/>
    public static void Write(ReadOnlySpan<byte> bytes)
    {
        if (!Kernel.TryWriteAll(StandardOutput, bytes))
        {
            throw new RunException(ExitStatus.CannotWrite, $"standard output: {Kernel.Describe(Kernel.LastError)}");
        }
    }
}
