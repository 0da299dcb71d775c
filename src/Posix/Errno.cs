using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>errno(3): the values that this program distinguishes, with the numbers of x86-64 and arm64.</summary>
internal enum Errno
{
    None = 0,
    Perm = 1,
    NoEntry = 2,
    NoProcess = 3,
    Interrupted = 4,
    Io = 5,
    TooBig = 7,
    ExecFormat = 8,
    BadDescriptor = 9,
    Again = 11,
    NoMemory = 12,
    Access = 13,
    Busy = 16,
    Exists = 17,
    NotDirectory = 20,
    IsDirectory = 21,
    Invalid = 22,
    TooManyInSystem = 23,
    TooManyOpen = 24,
    TextBusy = 26,
    FileTooBig = 27,
    NoSpace = 28,
    ReadOnly = 30,
    Pipe = 32,
    Deadlock = 35,
    NameTooLong = 36,
    NoLocks = 37,
    NotImplemented = 38,
    NotEmpty = 39,
    TooManyLinks = 40,
    NotSupported = 95,
    Quota = 122,
}

internal static class ErrnoText
{
    /// <summary>strerror(3), starting in lower case as messages do.</summary>
    public static string Describe(this Errno error)
    {
        var text = Marshal.GetPInvokeErrorMessage((int)error);
        return text.Length > 1 && !char.IsUpper(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }
}
