using Run.Posix;

namespace Run.Tests.Trees;

/// <summary>Tars that nobody should unpack: each is refused, and nothing of it is outside of the directory that is thrown away.</summary>
public sealed class HostileTarTests : IDisposable
{
    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("/etc/run-hostile", "an absolute path")]
    [InlineData("//etc/run-hostile", "an absolute path")]
    [InlineData("../outside/x", "leads out")]
    [InlineData("..", "leads out")]
    [InlineData("./../outside/x", "leads out")]
    [InlineData("a/../../outside/x", "leads out")]
    [InlineData("a/..", "leads out")]
    [InlineData("a/../b", "leads out")]
    [InlineData("a/./b", "a dot segment")]
    [InlineData("a/.", "a dot segment")]
    [InlineData(".", "without a name")]
    [InlineData("./", "without a name")]
    [InlineData("a\nb", "a control character")]
    [InlineData("a\e[31mb", "a control character")]
    [InlineData("a\u007fb", "a control character")]
    [InlineData("a\u0085b", "a control character")]
    public void A_name_that_a_file_must_not_have(string name, string why)
    {
        if (name.EndsWith('/'))
        {
            _box.Refuses(new TarBytes().Link(name, "a").End(), why);
            return;
        }

        _box.Refuses(new TarBytes().Script("bin/x").Add(name, "evil").End(), why);
        _box.Refuses(new TarBytes().Script("bin/x").Add(name, "evil").Zipped(), why);
        _box.Refuses(new TarBytes().Script("bin/x").Link(name, "bin").End(), why);
        _box.Refuses(new TarBytes().Script("bin/x").HardLink(name, "bin/x").End(), why);
        _box.Refuses(new TarBytes().Script("bin/x").Long('L', name).Add("short", "evil").End(), why);
        _box.Refuses(new TarBytes().Script("bin/x").Pax("path", name).Add("short", "evil").End(), why);
        if (name is not ".")
        {
            _box.Refuses(new TarBytes().Script("bin/x").Directory(name).End(), why);
        }
    }

    [Fact]
    public void A_name_that_is_empty_or_too_long()
    {
        _box.Refuses(new TarBytes().Add("", "evil").End(), "without a name");
        _box.Refuses(new TarBytes().Long('L', new string('n', 256)).Add("x").End(), "a name that is too long");
        _box.Refuses(new TarBytes().Pax("path", string.Join('/', Enumerable.Repeat(new string('n', 250), 17))).Add("x").End(), "too long");
        _box.Refuses(new TarBytes().Pax("path", string.Concat(Enumerable.Repeat("d/", 200)) + "f").Add("x").End(), "200 directories");
        _box.Unpack(new TarBytes().Pax("path", string.Concat(Enumerable.Repeat("d/", 199)) + "f").Add("x").End());
    }

    [Theory]
    [InlineData("bin/l", "/etc/passwd")]
    [InlineData("bin/l", "../..")]
    [InlineData("bin/l", "../../outside/canary")]
    [InlineData("bin/l", "./.././../outside/canary")]
    [InlineData("l", "..")]
    [InlineData("l", "bin/../..")]
    [InlineData("l", "nothing/../../outside")]
    [InlineData("l", "nothing/..")]
    [InlineData("l", "bin/x/../..")]
    [InlineData("l", "")]
    [InlineData("l", "a\nb")]
    public void A_link_that_leads_out(string name, string target) =>
        _box.Refuses(new TarBytes().Script("bin/x").Add("README").Link(name, target).End());

    [Fact]
    public void A_link_that_leads_out_through_other_links()
    {
        // As text, b leads to "a/.." and so to the tree; but a is another place than it seems.
        _box.Refuses(new TarBytes().Script("bin/x").Add("README").Link("a", ".").Link("b", "a/..").End(), "b -> a/..");
        _box.Refuses(new TarBytes().Script("d/e/x").Add("README").Link("d/e/up", "../..").Link("d/e/out", "up/../outside").End(), "out");
        _box.Refuses(new TarBytes().Add("README").Link("b", "a/..").Directory("c").Link("a", "c/..").End(), "b -> a/..");

        // In the directory that becomes the tree.
        _box.Refuses(new TarBytes().Script("top/bin/x").Link("top/l", "../top/bin").End(), "leads out");
        _box.Refuses(new TarBytes().Script("top/bin/x").Link("top/bin/l", "../../staging").End(), "leads out");
    }

    [Fact]
    public void Links_that_would_take_hours_to_follow()
    {
        var tar = new TarBytes().Add("README");
        for (var i = 0; i < 38; i++)
        {
            tar.Directory($"d{i}").Pax("linkpath", string.Concat(Enumerable.Repeat($"d{i}/../", 500)) + $"l{i + 1}").Link($"l{i}", "x");
        }

        for (var i = 0; i < 3000; i++)
        {
            tar.Link($"m{i}", "l0");
        }

        _box.Refuses(tar.Zipped(), "too many links");
    }

    [Fact]
    public void A_link_in_a_circle_or_to_nothing_leads_nowhere()
    {
        _box.Unpack(new TarBytes().Add("x").Link("a", "b").Link("b", "a").Link("c", "c/../..").Link("d", "nothing/at/all").End());
        Assert.Equal(["a -> b", "b -> a", "c -> c/../..", "d -> nothing/at/all", "x: "], _box.Found());
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../outside/canary")]
    [InlineData("bin/../../outside/canary")]
    [InlineData("nothing")]
    [InlineData("bin")]
    [InlineData("later")]
    [InlineData("self")]
    [InlineData("")]
    [InlineData("link/canary")]
    public void A_hard_link_to_what_is_not_a_file_of_the_tree(string target) => _box.Refuses(
        new TarBytes().Script("bin/x").Link("link", "bin").HardLink("self", target).Add("later").End(), "a hard link");

    [Fact]
    public void An_entry_below_a_link_or_a_file()
    {
        _box.Refuses(new TarBytes().Link("l", "../outside").Add("l/x", "evil").End(), "below a link");
        _box.Refuses(new TarBytes().Directory("d").Link("l", "d").Add("l/x", "evil").End(), "below a link");
        _box.Refuses(new TarBytes().Directory("d").Link("l", "d").Directory("l/x").End(), "below a link");
        _box.Refuses(new TarBytes().Directory("d").Link("l", "d").Link("l/x", "x").End(), "below a link");
        _box.Refuses(new TarBytes().Add("f").Add("f/x", "evil").End(), "below a file");
    }

    [Fact]
    public void Two_entries_of_one_path()
    {
        _box.Refuses(new TarBytes().Add("a", "1").Add("a", "1").End(), "two entries");
        _box.Refuses(new TarBytes().Add("a", "1").Add("./a", "2").End(), "two entries");
        _box.Refuses(new TarBytes().Add("d/a", "1").Add("d//a", "2").End(), "two entries");
        _box.Refuses(new TarBytes().Add("a").Link("a", "b").End(), "two entries");
        _box.Refuses(new TarBytes().Link("a", "b").Add("a").End(), "two entries");
        _box.Refuses(new TarBytes().Link("a", "b").Link("a", "c").End(), "two entries");
        _box.Refuses(new TarBytes().Link("a", "b").Directory("a").End(), "two entries");
        _box.Refuses(new TarBytes().Add("a").Directory("a").End(), "two entries");
        _box.Refuses(new TarBytes().Add("a/b").Link("a", "c").End(), "two entries");
        _box.Refuses(new TarBytes().Directory("a").Add("a").End(), "two entries");
        _box.Refuses(new TarBytes().Add("b").Add("a").HardLink("a", "b").End(), "two entries");
        _box.Unpack(new TarBytes().Add("d/a").Directory("d").Directory("d/").Directory("./d").Add("e").End());
        Assert.Equal(["d/", "d/a: ", "e: "], _box.Found());
    }

    [Theory]
    [InlineData('3', "a device")]
    [InlineData('4', "a device")]
    [InlineData('6', "a FIFO")]
    public void What_is_not_a_file(char type, string what) => _box.Refuses(new TarBytes().Script("x").Add("evil", type: type).End(), what);

    [Theory]
    [InlineData('S')]
    [InlineData('M')]
    [InlineData('N')]
    [InlineData('Z')]
    [InlineData('\u0001')]
    public void An_entry_of_another_kind(char type)
    {
        _box.Refuses(new TarBytes().Script("x").Add("evil", type: type).End());
        _box.Refuses(new TarBytes().Script("x").Add("evil", type: type, magic: "ustar  \0").End());
        _box.Refuses(new TarBytes().Script("x").Add("evil", type: type, magic: "").End());
    }

    [Theory]
    [InlineData("GNU.sparse.major", "1")]
    [InlineData("GNU.sparse.name", "evil")]
    [InlineData("GNU.sparse.map", "0,1")]
    public void A_sparse_file(string key, string value) =>
        _box.Refuses(new TarBytes().Script("x").Pax(key, value).Add("evil", "1\n0\n1\n").End(), "a sparse file");

    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    public void Metadata_that_claims_to_be_large(char type)
    {
        foreach (var size in (ReadOnlySpan<long>)[(1 << 20) + 1, 1L << 32, 1L << 40, long.MaxValue, -1])
        {
            _box.Refuses(new TarBytes().Script("x").Add("evil", type: type, size: size).End(), "1 MiB");
            _box.Refuses(new TarBytes().Add("evil", type: type, size: size, magic: "ustar  \0").Zipped(), "1 MiB");
        }
    }

    /// <summary>Of two names, some programs take the first and some the last.</summary>
    [Fact]
    public void An_entry_with_two_long_names()
    {
        _box.Refuses(new TarBytes().Long('L', "a").Long('L', "b").Add("x").End(), "damaged");
        _box.Refuses(new TarBytes().Pax("path", "a").Pax("path", "b").Add("x").End(), "damaged");
        _box.Refuses(new TarBytes().Pax("path", "a").Long('L', "b").Add("x").End(), "damaged");
        _box.Refuses(new TarBytes().Long('L', "a").Pax("path", "b").Add("x").End(), "damaged");
        _box.Refuses(new TarBytes().Add("x").Long('K', "a").Pax("linkpath", "x").Link("l", "x").End(), "damaged");
        _box.Refuses(new TarBytes().Add("x").Long('L', "a").End(), "its last entry is missing");
        _box.Unpack(new TarBytes().Pax("path", "a").Long('L', "a").Add("x").End());
        Assert.Equal(["a: "], _box.Found());
    }

    [Theory]
    [InlineData("")]
    [InlineData("path=x")]
    [InlineData("11path=xyz\n")]
    [InlineData(" 12 path=xyz\n")]
    [InlineData("11 path=xyz\n")]
    [InlineData("13 path=xyz\n")]
    [InlineData("12 path=xyz\n\0")]
    [InlineData("12\0 path=xyz\n")]
    [InlineData("0 path=xyz\n")]
    [InlineData("-12 path=xyz\n")]
    [InlineData("+12 path=xyz\n")]
    [InlineData("4294967308 path=xyz\n")]
    [InlineData("99999999999999999999999 path=xyz\n")]
    [InlineData("12 path.xyz\n")]
    [InlineData("4 path=xyz\n")]
    [InlineData("8=path xyz\n")]
    [InlineData("9 size=-1\n")]
    [InlineData("10 size=1\0\n")]
    [InlineData("10 size=0x\n")]
    [InlineData("28 size=18446744073709551616\n")]
    public void Attributes_that_are_none(string records)
    {
        foreach (var type in "xg")
        {
            var tar = new TarBytes().Add("PaxHeaders", records, type).Add("a").End();
            if (records is "")
            {
                _box.Unpack(tar);
                continue;
            }

            _box.Refuses(tar, "damaged");
        }
    }

    [Theory]
    [InlineData(100, "-644   ")]
    [InlineData(100, "0008000")]
    [InlineData(100, "rw-r--r")]
    [InlineData(124, "0000000000x")]
    public void A_number_that_is_none(int at, string number)
    {
        var header = new TarBytes().Add("a").Cut();
        System.Text.Encoding.ASCII.GetBytes(number).CopyTo(header.AsSpan(at));
        _box.Refuses(new TarBytes().Header(header).End(), "a wrong number");
    }

    /// <summary>Some programs take what follows for its content, and some for the next header.</summary>
    [Fact]
    public void A_directory_of_an_old_format_with_content() => _box.Refuses(
        new TarBytes().Add("d/", OsText.FromBytes(new TarBytes().Add("evil").Cut())).Add("x").End(), "d/ is a directory with content");

    [Theory]
    [InlineData(513)]
    [InlineData(1L << 33)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void A_file_that_claims_another_size(long size)
    {
        _box.Refuses(new TarBytes().Script("x").Add("evil", size: size).End());
        _box.Refuses(new TarBytes().Script("x").Pax("size", $"{size}").Add("evil").End());
        if (size < 0)
        {
            _box.Refuses(new TarBytes().Script("x").Add("evil", type: '5', size: size).End(), "a wrong number");
        }
    }

    [Fact]
    public void A_checksum_that_is_wrong()
    {
        var tar = new TarBytes().Script("x").Add("y", "z").End();
        tar[1024] ^= 1;
        _box.Refuses(tar, "damaged", "checksum");
        tar = new TarBytes().Script("x").End();
        tar[0] ^= 1;
        _box.Refuses(tar, "damaged", "checksum");
    }

    [Fact]
    public void A_file_that_is_cut_anywhere()
    {
        var tar = new TarBytes().Script("x", "#!/bin/sh\necho hello\n").Long('L', "long").Add("s", "t").Pax("path", "p").Add("q").Cut();
        for (var length = 512; length <= tar.Length; length += 128)
        {
            _box.Refuses(tar[..length], "damaged or was cut short");
        }

        _box.Unpack([.. tar, .. new byte[512]]);
        var zipped = new TarBytes().Script("x", string.Concat(Enumerable.Range(0, 3000))).Zipped();
        for (var length = 2; length < zipped.Length; length += Math.Max(1, zipped.Length / 200))
        {
            _box.Refuses(zipped[..length]);
        }

        foreach (var missing in (ReadOnlySpan<int>)[1, 4, 7, 8])
        {
            _box.Refuses(zipped[..^missing], "damaged or was cut short");
        }
    }

    [Fact]
    public void What_gzip_finds_to_be_wrong()
    {
        var zipped = new TarBytes().Script("x", string.Concat(Enumerable.Range(0, 3000))).Zipped();
        foreach (var at in (ReadOnlySpan<int>)[2, zipped.Length / 2, zipped.Length - 8, zipped.Length - 1])
        {
            byte[] wrong = [.. zipped];
            wrong[at] ^= 0x55;
            _box.Refuses(wrong, "damaged or was cut short");
        }
    }

    /// <summary>So much is decompressed by a thread of its own, ahead of what is written. It must end with the refusal.</summary>
    [Fact]
    public void What_is_wrong_in_a_large_archive()
    {
        var random = new Random(1);
        var content = new byte[2 << 20];
        random.NextBytes(content);
        TarBytes Large() => new TarBytes().Script("x", Convert.ToBase64String(content));
        var zipped = Large().Zipped();
        Assert.InRange(zipped.Length, 1 << 20, 4 << 20);
        _box.Unpack(zipped);
        foreach (var length in (ReadOnlySpan<int>)[256 << 10, zipped.Length / 2, zipped.Length - 1])
        {
            _box.Refuses(zipped[..length], "damaged or was cut short");
        }

        zipped[zipped.Length / 2] ^= 0x55;
        _box.Refuses(zipped);
        var early = new TarBytes().Add("../evil").Script("x", Convert.ToBase64String(content)).Zipped();
        _box.Refuses(early, "evil");
    }

    [Fact]
    public void More_than_512_MiB()
    {
        var zeros = TarBytes.Gzip(new byte[1 << 20]);
        byte[] Large(int mebibytes, TarBytes before) =>
            [.. TarBytes.Gzip(before.Cut()), .. Enumerable.Repeat(zeros, mebibytes).SelectMany(static z => z)];
        _box.Refuses(Large(513, new TarBytes().Add("bomb", size: 513L << 20)), "more than 512 MiB");

        // Each is small enough.
        var half = Large(300, new TarBytes().Add("a", size: 300L << 20));
        _box.Refuses([.. half, .. Large(300, new TarBytes().Add("b", size: 300L << 20))], "more than 512 MiB");
        _box.Refuses([.. half, .. TarBytes.Gzip(new TarBytes().HardLink("b", "a").End())], "more than 512 MiB");

        // After the end, where nothing is unpacked.
        _box.Refuses(Large(700, new TarBytes().Script("x").Data(new byte[1024])), "more than 512 MiB");
    }

    [Fact]
    public void More_than_50_000_entries()
    {
        byte[] Many(Func<int, string> name, int count)
        {
            var tar = new TarBytes();
            for (var i = 0; i < count; i++)
            {
                tar.Directory(name(i));
            }

            return tar.Add("d0/x").Zipped();
        }

        _box.Refuses(Many(static i => $"d{i}", 50_000), "more than 50,000 entries");
        _box.Refuses(Many(static i => "d0", 50_001), "more than 50,000 entries");
        _box.Refuses(Many(static i => $"d{i}/" + string.Concat(Enumerable.Repeat("e/", 40)), 1300), "more than 50,000 entries");
        var global = new TarBytes();
        for (var i = 0; i < 200_001; i++)
        {
            global.Pax("comment", "x", 'g');
        }

        _box.Refuses(global.Zipped(), "too many headers");
        var names = Enumerable.Repeat(new TarBytes().Long('L', "x").Cut(), 200_001);
        _box.Refuses(TarBytes.Gzip([.. names.SelectMany(static name => name)]), "too many headers");
    }

    [Fact]
    public void More_names_than_8_MiB()
    {
        var tar = new TarBytes();
        var directory = string.Concat(Enumerable.Repeat(new string('n', 250) + "/", 14));
        for (var i = 0; i < 2500; i++)
        {
            tar.Pax("path", directory + i).Add("x");
        }

        _box.Refuses(tar.Zipped(), "8 MiB of names");
    }
}
