using System.Diagnostics;
using Run.Generated;
using Run.Inputs;
using Run.Locking;
using Run.Posix;

namespace Run.Planning;

/// <summary>Writes a plan step by step. native/executor.c documents the steps and executes them.</summary>
internal sealed class PlanWriter
{
    private readonly List<byte> _bytes = new(1024);

    /// <param name="from">In seconds since 1970: from when on it holds.</param>
    /// <param name="until">Until when.</param>
    /// <param name="key">What it is for.</param>
    /// <param name="lockRequest">What is locked before anything is looked at.</param>
    /// <param name="refusalIsSilent">Whether a run that finds the lock held ends in silence, and is a success.</param>
    public PlanWriter(long from, long until, byte[] key, LockRequest lockRequest, bool refusalIsSilent)
    {
        Number(0);
        Number(from);
        Number(until);
        _bytes.AddRange(key);
        _bytes.Add((byte)lockRequest.Mode);
        _bytes.Add((byte)(refusalIsSilent ? Shared.HeldIsSuccess : Shared.HeldIsSaid));
        Text(lockRequest.Path);
        _bytes.AddRange(lockRequest.Record.ToBytes());
        Text(lockRequest.Name is null ? "" : lockRequest.OwnPath);
    }

    public void Add(Input input)
    {
        switch (input)
        {
            case Input.Variable { Value: { } value } variable:
                Step(Shared.StepVariableIs);
                Text(variable.Name);
                Text(value);
                break;
            case Input.Variable variable:
                Step(Shared.StepVariableUnset);
                Text(variable.Name);
                break;
            case Input.File { Stamp: { } stamp } file:
                Step(Shared.StepSame);
                Stamp(stamp);
                Text(file.Path);
                break;
            case Input.File file:
                Step(Shared.StepAbsent);
                Text(file.Path);
                break;
            case Input.OwnDirectory directory:
                Step(directory.MayBeLink ? Shared.StepOwnDirectory : Shared.StepOwnDirectoryNoLink);
                _bytes.AddRange(BitConverter.GetBytes(directory.Forbidden));
                Text(directory.Path);
                break;
            case Input.ForeignDirectory directory:
                Step(Shared.StepForeignDirectory);
                Text(directory.Path);
                break;
            case Input.Program program:
                Step(Shared.StepProgram);
                Text(program.Path);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <param name="stampsPath">The file with the stamps of the tree, which lies beside it.</param>
    /// <param name="boot">The id of the boot in which the stamps were taken.</param>
    public void Tree(string stampsPath, FileStamp stamp, string boot)
    {
        Step(Shared.StepBoot);
        Text(boot);
        Step(Shared.StepTree);
        Stamp(stamp);
        Text(stampsPath);
    }

    public void CachedScript(string path, FileStamp stamp)
    {
        Step(Shared.StepCachedScript);
        Stamp(stamp);
        Text(path);
    }

    /// <param name="realPath">The path without symbolic links, however the script was named.</param>
    public void LocalScript(string realPath, FileStamp stamp)
    {
        Step(Shared.StepLocalScript);
        Stamp(stamp);
        Text(realPath);
    }

    /// <param name="path">The path of the script in a source that is a directory.</param>
    /// <param name="realPath">The same without symbolic links.</param>
    public void DirectoryScript(string path, string realPath, FileStamp stamp)
    {
        Step(Shared.StepDirectoryScript);
        Stamp(stamp);
        Text(path);
        Text(realPath);
    }

    /// <summary>The local file that was typed stands for a script of the cache.</summary>
    public void Stub(string realPath, FileStamp stamp)
    {
        Step(Shared.StepStub);
        Stamp(stamp);
        Text(realPath);
    }

    /// <summary>The script is started by the interpreter of its second line.</summary>
    public void SecondLine(string interpreter, string argument)
    {
        Step(Shared.StepSecondLine);
        Text(interpreter);
        Text(argument);
    }

    public byte[] ToBytes()
    {
        byte[] bytes = [.. _bytes];
        BitConverter.TryWriteBytes(bytes, NativePlans.Seal(bytes));
        return bytes;
    }

    private void Step(char letter) => _bytes.Add((byte)letter);

    private void Text(string text) => _bytes.AddRange(OsText.ToCString(text));

    private void Number(long number) => _bytes.AddRange(BitConverter.GetBytes(number));

    private void Stamp(FileStamp stamp)
    {
        Number((long)stamp.Device);
        Number((long)stamp.Inode);
        Number(stamp.Size);
        Number(stamp.Modified);
        Number(stamp.Changed);
    }
}
