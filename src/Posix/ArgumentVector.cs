using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>A NULL-terminated vector of C strings for execve(2), outside the garbage collector's heap.</summary>
internal sealed unsafe class ArgumentVector : IDisposable
{
    private readonly int _count;

    public ArgumentVector(IReadOnlyList<string> arguments)
    {
        _count = arguments.Count;
        Pointer = (byte**)NativeMemory.Alloc((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < _count; i++)
        {
            var bytes = OsText.ToCString(arguments[i]);
            Pointer[i] = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(Pointer[i], bytes.Length));
        }

        Pointer[_count] = null;
    }

    public byte** Pointer { get; }

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
        {
            NativeMemory.Free(Pointer[i]);
        }

        NativeMemory.Free(Pointer);
    }
}
