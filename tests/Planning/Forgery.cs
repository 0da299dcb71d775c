using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;

namespace Run.Tests.Planning;

/// <summary>Forged plans, and a <c>run</c> that appears to be another build.</summary>
internal static partial class Forgery
{
    /// <summary>What identifies the build, in the binary and in the seal of plans (native/plan_key.c).</summary>
    private static readonly (byte[] Binary, int At, byte[] Name) s_build = Find();

    /// <summary>The binary under test, with another identity.</summary>
    public static string AnotherVersion(string path)
    {
        var binary = (byte[])s_build.Binary.Clone();
        // Not the first: a compiler may have read that one already.
        ref var digit = ref binary[s_build.At + (s_build.Name.Length / 2)];
        digit = digit == (byte)'0' ? (byte)'1' : (byte)'0';
        TestFile.Copy(Suite.Binary, path);
        TestFile.Write(path, binary);
        return path;
    }

    /// <summary>The plan with a valid seal.</summary>
    public static byte[] Sealed(byte[] plan)
    {
        if (plan.Length >= sizeof(ulong))
        {
            var seal = 0xcbf29ce484222325;
            foreach (var b in (byte[])[.. s_build.Name, 0, .. plan[sizeof(ulong)..]])
            {
                seal = (seal ^ b) * 0x100000001b3;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(plan, seal);
        }

        return plan;
    }

    /// <summary>The plan as if it had been made so many seconds earlier.</summary>
    public static byte[] Earlier(byte[] plan, int seconds)
    {
        for (var at = sizeof(long); at < 3 * sizeof(long); at += sizeof(long))
        {
            BinaryPrimitives.WriteInt64LittleEndian(plan.AsSpan(at), BinaryPrimitives.ReadInt64LittleEndian(plan.AsSpan(at)) - seconds);
        }

        return Sealed(plan);
    }

    private static (byte[] Binary, int At, byte[] Name) Find()
    {
        var binary = File.ReadAllBytes(Suite.Binary);
        var match = Assert.Single(Name().Matches(Encoding.Latin1.GetString(binary)));
        return (binary, match.Index, Encoding.Latin1.GetBytes(match.Value));
    }

    /// <summary>The SHA-256 digests of some files.</summary>
    [GeneratedRegex("(?<![0-9A-F])(?:[0-9A-F]{64}){2,}(?=\0)")]
    private static partial Regex Name();
}
