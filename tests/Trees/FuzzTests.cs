using Run.Posix;
using Run.Storage;

namespace Run.Tests.Trees;

/// <summary>Archives in which bytes were changed: they are refused with status 65, or what is unpacked is inside.</summary>
public sealed class FuzzTests : IDisposable
{
    private const int Rounds = 1000;

    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("tar")]
    [InlineData("tar with right checksums")]
    [InlineData("tar.gz")]
    [InlineData("zip")]
    public void A_changed_archive_does_no_harm(string format)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var original = format switch
        {
            "zip" => AZip(),
            "tar.gz" => ATar().Zipped(),
            _ => ATar().End(),
        };
        var (refused, unpacked) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var changed = Change(original, random);
            if (format.EndsWith("checksums", StringComparison.Ordinal))
            {
                for (var at = 0; at + 512 <= changed.Length; at += 512)
                {
                    if (changed.AsSpan(at + 257).StartsWith("ustar"u8))
                    {
                        TarBytes.Sum(changed.AsSpan(at, 512));
                    }
                }
            }

            try
            {
                var listing = _box.Unpack(changed);
                unpacked++;
                foreach (var file in listing.Files)
                {
                    var real = Files.RealPath($"{_box.Tree}/{file.Path}");
                    Assert.True(
                        real.Error is Errno.NoEntry or Errno.TooManyLinks or Errno.NotDirectory or Errno.NameTooLong
                            || real.Value == _box.Tree || real.Value?.StartsWith(_box.Tree + "/", StringComparison.Ordinal) == true,
                        $"seed {seed}, round {round}: {file.Path} leads to {real.Value} ({real.Error})");
                }
            }
            catch (RunException e)
            {
                refused++;
                Assert.True(e.Status == ExitStatus.Data, $"seed {seed}, round {round}: {e.Status} {e.Message}");
            }
#pragma warning disable CA1031 // Any other exception would reach the user as an internal error.
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
#pragma warning restore CA1031
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }

            // .NET cannot name what is not UTF-8.
            DirectoryTree.Remove(_box.Staging);
        }

        Assert.Equal(["archive", "bin", "home", "staging", "tmp", "work"], Directory.GetFileSystemEntries(_box.Root)
            .Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFileSystemEntries(_box.Root + "/staging"));
        Assert.True(refused > 100, $"only {refused} were refused");
        Assert.True(unpacked > 10 || format == "tar.gz", $"only {unpacked} were unpacked");
    }

    /// <summary>Something of everything that a tar may hold.</summary>
    internal static TarBytes ATar() => new TarBytes().Pax("comment", "c", 'g').Directory("top").Script("top/bin/x")
        .Link("top/l", "bin/x").HardLink("top/h", "top/bin/x")
        .Pax("path", "top/" + new string('p', 120)).Add("p", "pax")
        .Long('L', "top/" + new string('g', 120)).Add("g", "gnu")
        .Pax("linkpath", "bin").Link("top/d", "x");

    internal static byte[] AZip() => new ZipBytes().Add("t/", "", ZipBytes.Directory).Add("t/bin/x", "#!/bin/sh\n", ZipBytes.Script)
        .Add("t/l", "bin/x", ZipBytes.Link).Add("t/stored", "s", method: 0).End(comment: "a comment");

    /// <summary>A copy in which some bytes are others, are missing or are there twice.</summary>
    internal static byte[] Change(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (var times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 600), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(0, random.Next(1, bytes.Count)));
                    break;
                case 4:
                    bytes[at] = (byte)"/.\0"[random.Next(3)];
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 6 when bytes.Count > 1024:
                    // A block in another one's place.
                    var block = bytes.GetRange(random.Next(bytes.Count / 512) * 512, 512);
                    var to = random.Next(bytes.Count / 512) * 512;
                    bytes.RemoveRange(to, 512);
                    bytes.InsertRange(to, block);
                    break;
                default:
                    foreach (var b in (ReadOnlySpan<byte>)[0xff, 0xff, 0xff, 0xff])
                    {
                        bytes[Math.Min(at++, bytes.Count - 1)] = b;
                    }

                    break;
            }
        }

        return [.. bytes];
    }
}
