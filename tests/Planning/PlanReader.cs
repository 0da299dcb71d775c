using Run.Generated;
using Run.Posix;

namespace Run.Tests.Planning;

/// <summary>Reads a plan, whose format is in src/native/executor.c: what it is for, and a step for each input.</summary>
internal sealed class PlanReader
{
    private readonly byte[] _bytes;
    private int _at = 3 * sizeof(long);

    private PlanReader(byte[] bytes)
    {
        _bytes = bytes;
        Words = [.. Enumerable.Range(0, bytes[_at++]).Select(_ => Text())];
        Directory = Text();
        _at += 2;
        (Lock, _, _, OwnLock) = (Text(), Text(), Text(), Text());
        while (_at < bytes.Length)
        {
            Step();
        }
    }

    /// <summary>The command line up to SCRIPT.</summary>
    public string[] Words { get; }

    /// <summary>SCRIPT as it was typed.</summary>
    public string Script => Words[^1];

    /// <summary>The directory in which run was called.</summary>
    public string Directory { get; }

    /// <summary>The lock file.</summary>
    public string Lock { get; }

    /// <summary>The file of the script's own lock, if that is another one; else empty.</summary>
    public string OwnLock { get; }

    /// <summary>The variables that it holds for, set or not.</summary>
    public HashSet<string> Variables { get; } = [];

    /// <summary>The paths that it depends on.</summary>
    public HashSet<string> Paths { get; } = [];

    public static PlanReader Of(string file) => new(File.ReadAllBytes(file));

    private void Step()
    {
        var letter = (char)_bytes[_at++];
        switch (letter)
        {
            case Shared.StepVariableIs:
                Variables.Add(Text());
                _ = Text();
                return;
            case Shared.StepVariableUnset:
                Variables.Add(Text());
                return;
            case Shared.StepSame or Shared.StepCachedScript or Shared.StepLocalScript or Shared.StepStub:
                _at += 5 * sizeof(long);
                break;
            case Shared.StepTree:
                _at += 5 * sizeof(long);
                var stamps = Text();
                Paths.Add(stamps);
                Paths.UnionWith(FilesOf(stamps));
                return;
            case Shared.StepDirectoryScript:
                _at += 5 * sizeof(long);
                Paths.Add(Text());
                break;
            case Shared.StepSecondLine:
                _ = (Text(), Text());
                return;
            case Shared.StepOwnDirectory or Shared.StepOwnDirectoryNoLink:
                _at += sizeof(uint);
                break;
            default:
                Assert.Contains(letter, (char[])[Shared.StepAbsent, Shared.StepForeignDirectory, Shared.StepProgram, Shared.StepBoot]);
                break;
        }

        Paths.Add(Text());
    }

    /// <summary>All files of a tree, which its step stands for: their stamps are in a file beside the tree.</summary>
    private static IEnumerable<string> FilesOf(string stamps)
    {
        var tree = Path.GetDirectoryName(stamps) + "/tree";
        var bytes = File.ReadAllBytes(stamps);
        yield return tree;
        for (var at = Array.IndexOf(bytes, (byte)0) + 1; at < bytes.Length; at = Array.IndexOf(bytes, (byte)0, at) + 1)
        {
            at += 1 + Shared.StampBytes;
            yield return $"{tree}/{OsText.FromBytes(bytes.AsSpan(at, Array.IndexOf(bytes, (byte)0, at) - at))}";
        }
    }

    private string Text()
    {
        var end = Array.IndexOf(_bytes, (byte)0, _at);
        var text = OsText.FromBytes(_bytes.AsSpan(_at, end - _at));
        _at = end + 1;
        return text;
    }
}
