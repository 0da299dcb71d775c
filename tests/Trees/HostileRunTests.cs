using System.Security.Cryptography;
using Run.Posix;

namespace Run.Tests.Trees;

/// <summary>Hostile archives, served to the program itself: 65, nothing is started, and nothing of them is anywhere.</summary>
public sealed class HostileRunTests
{
    private const string Script = "#!/bin/sh\necho started\n";

    [Theory]
    [InlineData("absolute", "an absolute path")]
    [InlineData("upwards", "leads out")]
    [InlineData("pax upwards", "leads out")]
    [InlineData("long upwards", "leads out")]
    [InlineData("link", "a link that leads out of it: bin/l -> ")]
    [InlineData("link in the one directory", "a link that leads out of it: t/l -> ../t/bin")]
    [InlineData("hard link", "a hard link")]
    [InlineData("below a link", "an entry below a link: l/canary")]
    [InlineData("twice", "two entries of one path: bin/x")]
    [InlineData("device", "a device: null")]
    [InlineData("FIFO", "a FIFO: pipe")]
    [InlineData("sparse", "a sparse file")]
    [InlineData("metadata", "more than 1 MiB")]
    [InlineData("no end", "damaged or was cut short: it has no end")]
    [InlineData("checksum", "damaged or was cut short")]
    [InlineData("cut gzip", "damaged or was cut short")]
    [InlineData("gzip without its checksum", "damaged or was cut short")]
    [InlineData("control character", "a name with a control character: a\\x1b[2Jb")]
    [InlineData("git directory", "a file that git would take for its own: .git/config")]
    [InlineData("zip absolute", "an absolute path")]
    [InlineData("zip git directory", "a file that git would take for its own: lib/.GIT::$INDEX_ALLOCATION/config")]
    [InlineData("zip upwards", "leads out")]
    [InlineData("zip link", "a link that leads out of it: l -> ")]
    [InlineData("zip names", "a file that is another one in its directory")]
    [InlineData("zip checksum", "another checksum")]
    [InlineData("zip cut", "damaged or was cut short")]
    [InlineData("zip encrypted", "an encrypted file: secret")]
    [InlineData("bomb of bytes", "more than 512 MiB")]
    [InlineData("bomb of entries", "more than 50,000 entries")]
    [InlineData("bomb of names", "MiB of names")]
    [InlineData("bomb of attributes", "MiB of attributes")]
    [InlineData("zip bomb", "more than 512 MiB")]
    public async Task Is_refused(string what, string why)
    {
        await using var world = await World.Serving();
        var outside = Directory.CreateDirectory(world.Root + "/outside").FullName;
        TestFile.Write(outside + "/canary", "alive");
        world.Server.Bytes("/x", Hostile(what, outside), "application/octet-stream");
        var script = $"{world.Server.Url}/x//bin/x";
        string[][] commands = what.Contains("bomb", StringComparison.Ordinal) ? [[script]] : [[script], ["-u", script], ["--view", script]];
        foreach (var command in commands)
        {
            await world.Run(command).Fails(ExitStatus.Data, $"{world.Server.Url}/x", why);
        }

        Assert.Equal("alive", File.ReadAllText(outside + "/canary"));
        Assert.Equal([outside + "/canary"], Directory.GetFileSystemEntries(outside));
        Assert.DoesNotContain(world.CachedFiles(), static path => path.Contains("/tree/", StringComparison.Ordinal)
            || path.Contains("unpacked", StringComparison.Ordinal) || path.EndsWith("/listing", StringComparison.Ordinal));
        Assert.DoesNotContain(
            Directory.GetDirectories(world.Cache, "*", SearchOption.AllDirectories),
            static path => Path.GetFileName(path) is "tree" or "unpacked");
    }

    [Theory]
    [Needs("python3")]
    [InlineData("bomb of bytes")]
    [InlineData("bomb of entries")]
    [InlineData("bomb of names")]
    [InlineData("bomb of attributes")]
    [InlineData("zip bomb")]
    public async Task A_bomb_takes_no_more_memory_than_it_may(string what)
    {
        await using var world = await World.Serving();
        world.Server.Bytes("/x", Hostile(what, world.Root), "application/octet-stream");
        var result = await world.Exec("python3", "-c", """
            import resource, subprocess, sys
            ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
            """, "run", $"{world.Server.Url}/x//bin/x").Result();
        var words = result.Stdout.Split();
        Assert.Equal("65", words[0]);
        Assert.InRange(int.Parse(words[1], null), 1, 128);
    }

    /// <summary>The program has the tar and gzip of another version of .NET than the one that <see cref="FuzzTests"/> run on.</summary>
    [Fact]
    public async Task Changed_archives_are_refused_or_run()
    {
        await using var world = await World.Serving();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        byte[][] originals = [FuzzTests.ATar().End(), FuzzTests.ATar().Zipped(), FuzzTests.AZip()];
        for (var round = 0; round < 60; round++)
        {
            var changed = FuzzTests.Change(originals[round % 3], random);
            world.Server.Bytes($"/x{round}", changed, "application/octet-stream");
            var result = await world.Run($"{world.Server.Url}/x{round}//bin/x").Result();
            Assert.True(
                result.Status is 0 or 65 or 126 or 127 && !result.Stderr.Contains("internal", StringComparison.Ordinal),
                $"seed {seed}, round {round}: {result.Transcript}");
        }
    }

    /// <summary>Every length around the blocks of SHA-256, by the processor's instructions and without.</summary>
    [Fact]
    public async Task The_digests_of_files_of_any_length_are_right()
    {
        await using var world = await World.Serving();
        var tar = new TarBytes().Script("bin/x", Script);
        var random = new Random(1);
        var expected = new List<string> { Line("100755", Script, "bin/x") };
        foreach (var length in Enumerable.Range(0, 200).Concat([65_535, 65_536, 65_537, 131_072, 1_000_000]))
        {
            var text = string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next(32, 127)));
            tar.Add($"lib/{length:d7}", text);
            expected.Add(Line("100644", text, $"lib/{length:d7}"));
        }

        world.Server.Bytes("/x", tar.Zipped(), "application/octet-stream");
        var digest = Convert.ToHexStringLower(SHA256.HashData(OsText.ToBytes(string.Concat(expected))));
        await world.Run($"{world.Server.Url}/x//bin/x#tree={digest}").Succeeds("started\n");
        await world.Run("-u", $"{world.Server.Url}/x//bin/x#tree={digest[1..]}{digest[0]}").Fails(ExitStatus.Data, digest);

        static string Line(string mode, string text, string path) =>
            $"{mode} {Convert.ToHexStringLower(SHA256.HashData(OsText.ToBytes(text)))} {path}\n";
    }

    private static byte[] Hostile(string what, string outside)
    {
        var (tar, zip) = (new TarBytes().Script("bin/x", Script), new ZipBytes().Add("bin/x", Script, ZipBytes.Script));
        var up = string.Concat(Enumerable.Repeat("../", 30));
        switch (what)
        {
            case "absolute":
                return tar.Add($"{outside}/evil", "evil").End();
            case "upwards":
                return tar.Add($"{up[..60]}tmp/evil", "evil").End();
            case "pax upwards":
                return tar.Pax("path", $"{up}{outside}/evil").Add("fine", "evil").Zipped();
            case "long upwards":
                return tar.Long('L', $"{up}{outside}/evil").Add("fine", "evil").Zipped();
            case "link":
                return tar.Pax("linkpath", $"{up}{outside}").Link("bin/l", "x").End();
            case "link in the one directory":
                return new TarBytes().Script("t/bin/x", Script).Link("t/l", "../t/bin").End();
            case "hard link":
                return tar.HardLink("l", "../outside/canary").End();
            case "below a link":
                return tar.Link("l", "bin").Add("l/canary", "dead").End();
            case "twice":
                return tar.Script("bin/x", "#!/bin/sh\necho other\n").End();
            case "device":
                return tar.Add("null", type: '3').End();
            case "FIFO":
                return tar.Add("pipe", type: '6').End();
            case "sparse":
                return tar.Pax("GNU.sparse.major", "1").Add("f", "0\n").End();
            case "metadata":
                return tar.Add("x", type: 'x', size: 1L << 40).End();
            case "no end":
                return tar.Cut();
            case "checksum":
                var wrong = tar.Add("y").End();
                wrong[1025] ^= 1;
                return wrong;
            case "cut gzip":
                return tar.Zipped()[..100];
            case "gzip without its checksum":
                return tar.Zipped()[..^8];
            case "control character":
                return tar.Add("a\e[2Jb").End();
            case "git directory":
                return tar.Add(".git/config", "[core]\n\tfsmonitor = touch evil\n").End();
            case "zip absolute":
                return zip.Add($"{outside}/evil", "evil").End();
            case "zip git directory":
                return zip.Add("lib/.GIT::$INDEX_ALLOCATION/config", "evil").End();
            case "zip upwards":
                return zip.Add($"{up}{outside}/evil", "evil").End();
            case "zip link":
                return zip.Add("l", $"{up}{outside}", ZipBytes.Link).End();
            case "zip names":
                return zip.Add("good", "evil", local: "evil").End();
            case "zip checksum":
                return zip.Add("y", "content", crc: 1).End();
            case "zip cut":
                return zip.End()[..^30];
            case "zip encrypted":
                return zip.Add("secret", flags: 1).End();
            case "bomb of bytes":
                byte[] start = TarBytes.Gzip(tar.Add("bomb", size: 600L << 20).Cut()), zeros = TarBytes.Gzip(new byte[1 << 20]);
                return [.. start, .. Enumerable.Repeat(zeros, 600).SelectMany(static b => b)];
            case "bomb of entries":
                for (var i = 0; i < 50_000; i++)
                {
                    tar.Add($"f{i}");
                }

                return tar.Zipped();
            case "bomb of names":
                for (var i = 0; i < 4000; i++)
                {
                    tar.Pax("path", string.Concat(Enumerable.Repeat(new string('n', 250) + "/", 10)) + i).Add("x");
                }

                return tar.Zipped();
            case "bomb of attributes":
                var attributes = string.Concat(Enumerable.Range(0, 90_000).Select(static i => $"11 a{i:x5}=\n"));
                return [.. TarBytes.Gzip(tar.Cut()), .. Enumerable.Range(0, 80).SelectMany(i => TarBytes.Gzip(
                    new TarBytes().Add("p", attributes, 'x').Add($"y{i}").Cut()))];
            case "zip bomb":
                var packed = ZipBytes.Deflate(new byte[100 << 20]);
                var crc = ZipBytes.Crc(new byte[100 << 20]);
                for (var i = 0; i < 6; i++)
                {
                    zip.AddPacked($"f{i}", packed, 100 << 20, crc);
                }

                return zip.End();
            default:
                throw new ArgumentException(what);
        }
    }
}
