using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Git;

/// <summary>
/// <c>git cat-file --batch</c>: objects as they are, by their names. Nothing is converted, because that happens only when git checks out.
/// </summary>
internal sealed class ObjectReader : IDisposable
{
    /// <summary>
    /// How many may be asked for ahead. Their names must fit into the smallest pipe that the kernel makes, a page, so that this process
    /// never waits for git while git waits for it.
    /// </summary>
    public const int Ahead = 60;

    private const int LongestHeader = 200;

    private readonly ChildProcess _git;
    private readonly SafeFileHandle _requests;
    private readonly SafeFileHandle _answers;
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;
    private long _left;

    /// <exception cref="RunException">69: git cannot be started.</exception>
    public ObjectReader(GitProgram git, string directory)
    {
        var (theirInput, requests) = Pipe();
        var (answers, theirOutput) = Pipe();
        (_requests, _answers) = (requests, answers);
        using (theirInput)
        using (theirOutput)
        using (var nothing = Files.Open("/dev/null", OpenFlags.ReadWrite).OrThrow(CannotStart))
        {
            _git = git.Start(directory, ["cat-file", "--batch"], theirInput, theirOutput, nothing);
        }

        // git may end at any time, if it finds the repository damaged.
        Signals.IgnoreSigpipe();
    }

    /// <summary>Asks for an object. The answers come in the order of the requests.</summary>
    /// <returns>Whether git still listens.</returns>
    public bool Ask(string name) => Files.Write(_requests, Encoding.ASCII.GetBytes(name + "\n")) == Errno.None;

    /// <summary>The next answer, whose content is to be read with <see cref="Read"/>; null if it is not there or cannot be read.</summary>
    public (string Name, string Type, long Size)? Next()
    {
        var header = new StringBuilder();
        while (header.Length < LongestHeader && Fill())
        {
            var c = (char)_buffer[_start++];
            if (c != '\n')
            {
                header.Append(c);
                continue;
            }

            if (header.ToString().Split(' ') is not [var name, var type, var length]
                || !long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
            {
                return null;
            }

            _left = size;
            return (name, type, size);
        }

        return null;
    }

    /// <summary>The next bytes of the object; 0 at its end, and -1 if git ended before that.</summary>
    public int Read(Span<byte> into)
    {
        if (_left == 0)
        {
            return 0;
        }

        if (!Fill())
        {
            return -1;
        }

        var length = (int)Math.Min(Math.Min(_end - _start, into.Length), _left);
        _buffer.AsSpan(_start, length).CopyTo(into);
        _start += length;
        _left -= length;
        return length;
    }

    /// <summary>The line feed behind each object.</summary>
    public bool Close()
    {
        if (_left != 0 || !Fill() || _buffer[_start] != (byte)'\n')
        {
            return false;
        }

        _start++;
        return true;
    }

    /// <summary>Reads over what is left of an object.</summary>
    public bool Skip()
    {
        Span<byte> nothing = stackalloc byte[4096];
        int length;
        while ((length = Read(nothing)) > 0)
        {
        }

        return length == 0 && Close();
    }

    public void Dispose()
    {
        Signals.RestoreSigpipe();
        _requests.Dispose();
        _answers.Dispose();
        _git.Dispose();
    }

    private bool Fill()
    {
        if (_start < _end)
        {
            return true;
        }

        (_start, _end) = (0, Files.ReadSome(_answers, _buffer).Value);
        return _end > 0;
    }

    private static (SafeFileHandle ReadEnd, SafeFileHandle WriteEnd) Pipe() => Descriptors.PrivatePipe().OrThrow(CannotStart);

    private static RunException CannotStart(Errno error) =>
        new(ExitStatus.Unavailable, $"git cannot be started: {error.Describe()}");
}
