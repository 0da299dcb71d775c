using Run.Caching;
using Run.Inputs;
using Run.Locking;
using Run.Posix;


namespace Run.Planning;

/// <summary>A plan as it is written, step by step. native/executor.c says what each step means, and goes them.</summary>
internal sealed class PlanWriter
{
    private readonly List<byte> _bytes = new(1024);

    /// <param name="from">In seconds since 1970: from when on it holds.</param>
    /// <param name="until">Until when.</param>
    /// <param name="key">What it is for.</param>
    /// <param name="lockRequest">What is locked before anything is looked at.</param>
    public PlanWriter(long from, long until, byte[] key, LockRequest lockRequest)
    {
        Number(0);
        Number(from);
        Number(until);
        _bytes.AddRange(key);
        _bytes.Add((byte)lockRequest.Mode);
        Text(lockRequest.Path);
        _bytes.AddRange(lockRequest.Record.ToBytes());
    }

    public void File(Observed file)
    {
        if (file.Look is { } look)
        {
            Letter('s');
            Look(look);
        }
        else
        {
            Letter('a');
        }

        Text(file.Path);
    }

    /// <param name="forbidden">The permissions that it must not give.</param>
    /// <param name="mayBeLink">Whether a symbolic link may lead to it.</param>
    public void Directory(string path, uint forbidden, bool mayBeLink)
    {
        Letter(mayBeLink ? 'd' : 'D');
        _bytes.AddRange(BitConverter.GetBytes(forbidden));
        Text(path);
    }

    public void Program(string path)
    {
        Letter('x');
        Text(path);
    }

    public void CachedScript(string path, FileStamp look)
    {
        Letter('c');
        Look(look);
        Text(path);
    }

    /// <param name="realPath">Where it is really, however it was named.</param>
    public void LocalScript(string realPath, FileStamp look)
    {
        Letter('f');
        Look(look);
        Text(realPath);
    }

    public byte[] ToBytes()
    {
        byte[] bytes = [.. _bytes];
        BitConverter.TryWriteBytes(bytes, Kernel.PlanSeal(bytes));
        return bytes;
    }

    private void Letter(char letter) => _bytes.Add((byte)letter);

    private void Text(string text) => _bytes.AddRange(OsText.ToCString(text));

    private void Number(long number) => _bytes.AddRange(BitConverter.GetBytes(number));

    private void Look(FileStamp look)
    {
        Number((long)look.Device);
        Number((long)look.Inode);
        Number(look.Size);
        Number(look.Modified);
        Number(look.Changed);
    }
}
