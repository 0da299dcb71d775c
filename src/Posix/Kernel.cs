using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>
/// The one door to the kernel: every system call, every unsafe line and every pointer of this program is in this folder or in native/.
/// It knows files, locks, processes and signals, and nothing of scripts. Paths and arguments are texts as <see cref="OsText"/> makes them.
/// Methods that begin with Try return false or an <see cref="Errno"/>; nothing here throws for what the system refused.
/// </summary>
internal static unsafe partial class Kernel
{
    /// <summary>The error of the last call that failed.</summary>
    public static Errno LastError => (Errno)Marshal.GetLastPInvokeError();

    public static string Describe(Errno error)
    {
        var text = Marshal.GetPInvokeErrorMessage((int)error);
        return text.Length > 1 && !char.IsUpper(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }
}
