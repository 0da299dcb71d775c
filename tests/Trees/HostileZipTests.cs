using System.Buffers.Binary;

namespace Run.Tests.Trees;

/// <summary>Zips that nobody should unpack.</summary>
public sealed class HostileZipTests : IDisposable
{
    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("/etc/run-hostile", "an absolute path")]
    [InlineData("../outside/x", "leads out")]
    [InlineData("a/../../outside/x", "leads out")]
    [InlineData("a/../b", "leads out")]
    [InlineData("a/./b", "a dot segment")]
    [InlineData("..", "leads out")]
    [InlineData("", "without a name")]
    [InlineData("a\nb", "a control character")]
    [InlineData("a\0b", "a control character")]
    public void A_name_that_a_file_must_not_have(string name, string why)
    {
        _box.Refuses(new ZipBytes().Add("bin/x", "echo", ZipBytes.Script).Add(name, "evil").End(), why);
        _box.Refuses(new ZipBytes().Add("bin/x", "echo", ZipBytes.Script).Add(name, "bin", ZipBytes.Link).End(), why);
        if (name is not "")
        {
            _box.Refuses(new ZipBytes().Add("bin/x", "echo", ZipBytes.Script).Add(name + "/", "", ZipBytes.Directory).End(), why);
            _box.Refuses(new ZipBytes().Add("bin/x", "echo", ZipBytes.Script).Add(name + "/", "", 0).End(), why);
        }
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../outside/canary")]
    [InlineData("bin/../..")]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_link_that_leads_out(string target) =>
        _box.Refuses(new ZipBytes().Add("bin/x").Add("l", target, ZipBytes.Link).End(), "a link that leads");

    [Fact]
    public void A_link_that_is_no_path()
    {
        _box.Refuses(new ZipBytes().Add("bin/x").Add("l", new string('a', 4096), ZipBytes.Link).End(), "a link that leads nowhere");
        _box.Refuses(new ZipBytes().Add("bin/x").Add("l", new string('a', 5000), ZipBytes.Link, size: 10).End(), "damaged");
    }

    [Fact]
    public void An_entry_below_a_link_or_a_file_or_twice()
    {
        _box.Refuses(new ZipBytes().Add("l", "../outside", ZipBytes.Link).Add("l/x", "evil").End(), "below a link");
        _box.Refuses(new ZipBytes().Add("f").Add("f/x", "evil").End(), "below a file");
        _box.Refuses(new ZipBytes().Add("f", "1").Add("f", "1").End(), "two entries");
        _box.Refuses(new ZipBytes().Add("f", "x", ZipBytes.Link).Add("f", "1").End(), "two entries");
        _box.Refuses(new ZipBytes().Add("f/x").Add("f").End(), "two entries");
        _box.Refuses(new ZipBytes().Add("f").Add("f/", "", ZipBytes.Directory).End(), "two entries");
    }

    [Fact]
    public void What_is_not_a_file()
    {
        _box.Refuses(new ZipBytes().Add("x").Add("evil", attributes: ZipBytes.Device).End(), "a device");
        _box.Refuses(new ZipBytes().Add("x").Add("evil", attributes: ZipBytes.Fifo).End(), "a device or another");
        _box.Refuses(new ZipBytes().Add("x").Add("evil/", "x", attributes: ZipBytes.Link).End(), "a device or another");
        _box.Refuses(new ZipBytes().Add("x").Add("evil/", "content", ZipBytes.Directory).End(), "a directory with content");
    }

    [Theory]
    [InlineData("good", "evil")]
    [InlineData("good", "gooda")]
    [InlineData("good", "")]
    [InlineData("good", "../good")]
    public void A_file_with_two_names(string name, string local) =>
        _box.Refuses(new ZipBytes().Add("x").Add(name, "content", local: local).End(), "another one in its directory");

    /// <summary>Some programs read a zip from its beginning, and so its local headers.</summary>
    [Fact]
    public void A_file_with_two_names_in_UTF_8()
    {
        byte[] one = ZipBytes.UnicodePath("one", "x"), other = ZipBytes.UnicodePath("other", "x");
        _box.Refuses(new ZipBytes().Add("x", "1", extra: one, localExtra: other).End(), "another one in its directory");
        _box.Refuses(new ZipBytes().Add("x", "1", localExtra: other).End(), "another one in its directory");
        _box.Refuses(new ZipBytes().Add("x", "1", extra: ZipBytes.UnicodePath("../evil", "x")).End(), "leads out");
        _box.Refuses(new ZipBytes().Add("x", "1", extra: ZipBytes.UnicodePath("a\0b", "x")).End(), "a control character");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0x40)]
    [InlineData(0x2000)]
    [InlineData(0x41)]
    public void An_encrypted_file(int flags) =>
        _box.Refuses(new ZipBytes().Add("x").Add("secret", "content", flags: flags).End(), "an encrypted file", "secret");

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(14)]
    [InlineData(93)]
    [InlineData(99)]
    public void Another_compression(int method) =>
        _box.Refuses(new ZipBytes().Add("x").Add("file", "content", method: method).End(), $"method {method}");

    [Fact]
    public void Sizes_and_checksums_that_are_wrong()
    {
        foreach (var method in (ReadOnlySpan<int>)[0, 8])
        {
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, crc: 1).End(), "damaged", "another checksum");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, size: 6).End(), "damaged", "another length");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, size: 8).End(), "damaged", "another length");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, size: 0).End(), "damaged", "another length");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, packed: 3).End(), "damaged");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, packed: 100_000).End(), "damaged", "not complete");
            _box.Refuses(new ZipBytes().Add("x", "content", method: method, packed: 0xffffffff).End(), "damaged");
        }
    }

    [Fact]
    public void A_directory_that_is_wrong()
    {
        _box.Refuses(new ZipBytes().Add("x", "content").End(count: 2), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").Add("y").End(count: 1), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").End(directory: 0), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").End(directory: 1 << 20), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").End(directory: uint.MaxValue), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").Add("y", header: 7).End(), "damaged");
        _box.Refuses(new ZipBytes().Add("x", "content").Add("y", header: uint.MaxValue - 1).End(), "damaged");
        var zip = new ZipBytes().Add("x", "content").End();
        _box.Unpack([.. zip, .. new byte[10_240]]); // as bsdtar pads what goes into a pipe
        for (var length = 4; length < zip.Length; length++)
        {
            _box.Refuses(zip[..length], "damaged");
        }
    }

    [Fact]
    public void Files_that_overlap()
    {
        var zip = new ZipBytes().Add("a", new string('a', 100_000), method: 0);
        for (var i = 0; i < 3; i++)
        {
            zip.Add("a", new string('a', 100_000), method: 0, header: 0);
        }

        _box.Refuses(zip.End());

        // Different names, one kernel of data: as in "A better zip bomb" by David Fifield, with the headers inside stored blocks.
        var bomb = new ZipBytes().Add("a", new string('a', 100_000), method: 0, local: "a").Add("b", header: 0).End();
        _box.Refuses(bomb, "another one in its directory");
    }

    [Fact]
    public void More_than_512_MiB()
    {
        var bomb = new ZipBytes();
        var packed = ZipBytes.Deflate(new byte[100 << 20]);
        for (var i = 0; i < 6; i++)
        {
            bomb.AddPacked($"f{i}", packed, 100 << 20, ZipBytes.Crc(new byte[100 << 20]));
        }

        _box.Refuses(bomb.End(), "more than 512 MiB");

        // What comes out counts, not what was promised.
        _box.Refuses(new ZipBytes().AddPacked("x", packed, 10, 0).End(), "another length");
    }

    [Fact]
    public void More_than_50_000_entries()
    {
        var zip = new ZipBytes();
        for (var i = 0; i < 50_001; i++)
        {
            zip.Add($"f{i}", method: 0);
        }

        _box.Refuses(zip.End(), "more than 50,000 entries");
    }

    /// <summary>Numbers of 64 bits: in the end of a zip, and in the fields of an entry.</summary>
    [Fact]
    public void Numbers_of_64_bits_that_are_wrong()
    {
        var zip = new ZipBytes().Add("x", "content").End();
        var directory = zip.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        foreach (var (count, length, start) in (ReadOnlySpan<(long, long, long)>)[
            (long.MaxValue, 47, directory), (-1, 47, directory), (1, long.MaxValue, directory), (1, -1, directory), (1, 47, long.MaxValue),
            (1, 47, -1), (1, long.MaxValue, long.MaxValue), (50_001, 47, directory)])
        {
            _box.Refuses(Wide(zip, count, length, start));
        }

        _box.Unpack(Wide(zip, 1, 47, directory));
        Assert.Equal(["x: content"], _box.Found());
    }

    private static byte[] Wide(byte[] zip, long count, long length, long start)
    {
        var end = zip.Length - 22;
        var record = new byte[56 + 20];
        BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(4), 44);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(32), count);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(40), length);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(48), start);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(56), 0x07064b50);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(64), end);
        byte[] wide = [.. zip[..end], .. record, .. zip[end..]];
        wide.AsSpan(wide.Length - 14, 12).Fill(0xff);
        return wide;
    }
}
