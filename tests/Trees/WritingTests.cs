using Run.Posix;
using Run.Trees;

namespace Run.Tests.Trees;

/// <summary>What writing a tree costs, and file systems that make it harder.</summary>
public sealed class WritingTests : IDisposable
{
    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    /// <summary>What is allocated is an upper limit for what is in use: the process has 128 MiB, and fetches as well.</summary>
    [Fact]
    public void A_large_tree_costs_little_memory()
    {
        var start = TarBytes.Gzip(new TarBytes().Add("large", size: 200L << 20).Cut());
        byte[] large = [.. start, .. Many(TarBytes.Gzip(new byte[1 << 20]), 200), .. TarBytes.Gzip(new TarBytes().End())];
        Assert.InRange(Allocated(large), 0, 2L << 20);

        var packed = ZipBytes.Deflate(new byte[200 << 20]);
        Assert.InRange(Allocated(new ZipBytes().AddPacked("x", packed, 200 << 20, ZipBytes.Crc(new byte[200 << 20])).End()), 0, 2L << 20);

        var (tar, zip) = (new TarBytes(), new ZipBytes());
        for (var i = 0; i < 1000; i++)
        {
            tar.Add($"top/directory-{i % 30}/file-{i}", "content");
            zip.Add($"top/directory-{i % 30}/file-{i}", "content");
        }

        Assert.InRange(Allocated(tar.Zipped()), 0, 8L << 20);
        Assert.InRange(Allocated(zip.End()), 0, 8L << 20);
    }

    /// <summary>Attributes by the hundred thousand, and names of a megabyte: as much as one header may have.</summary>
    [Fact]
    public void Names_and_attributes_without_end_are_refused_or_passed_over()
    {
        var attributes = string.Concat(Enumerable.Range(0, 90_000).Select(static i => $"11 a{i:x5}=\n"));
        var tar = new TarBytes();
        for (var i = 0; i < 5; i++)
        {
            tar.Add("PaxHeaders/x", attributes, 'x').Add($"f{i}");
        }

        _box.Unpack(tar.Zipped());
        for (var i = 0; i < 65; i++)
        {
            tar.Add("PaxHeaders/x", attributes, 'x').Add($"g{i}");
        }

        _box.Refuses(tar.Zipped(), "more than 64 MiB of attributes");
        _box.Refuses(new TarBytes().Long('L', new string('n', (1 << 20) - 1)).Add("x").Zipped(), "too long");
        _box.Refuses(new TarBytes().Long('K', new string('n', (1 << 20) - 1)).Add("x", type: '2').Zipped(), "leads nowhere");
    }

    [Theory]
    [InlineData("0777")]
    [InlineData("0177")]
    [InlineData("0400")]
    public async Task A_umask_that_hides_from_the_owner_is_corrected(string mask)
    {
        // The umask is the whole process's; so this directory has an ACL in its place, if the file system knows them.
        Tools.Need("setfacl");
        Directory.CreateDirectory(_box.Root + "/staging");
        var acl = mask switch { "0777" => "u::-", "0177" => "u::rw", _ => "u::wx" };
        Assert.SkipWhen(
            (await _box.Sh($"setfacl -d -m {acl},g::-,o::- {_box.Root}/staging").Result()).Status != 0, "the file system has no ACLs");
        _box.Write(writer =>
        {
            writer.AddFile("d/x", true, static _ => 0);
            writer.AddFile("d/y", false, static _ => 0);
            return writer.Finish(unwrap: false);
        });
        Assert.Equal(["d/", "d/x*: ", "d/y: "], _box.Found());
    }

    [Fact]
    public async Task A_full_disk_is_no_fault_of_the_archive()
    {
        Tools.Need("unshare");
        Assert.SkipUnless(RootFactAttribute.MayMount, "only root can mount");
        var staging = Directory.CreateDirectory(_box.Root + "/staging/1").FullName;
        (await _box.Sh($"mount -t tmpfs -o size=64k none '{staging}'").Result()).Is(0, "");
        try
        {
            var failure = Assert.Throws<RunException>(() => _box.Unpack(new TarBytes().Add("x", new string('x', 200_000)).End()));
            Assert.Equal(ExitStatus.CannotWrite, failure.Status);
            Assert.Contains("unpacked/x: cannot be written: no space left on device", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            (await _box.Sh($"umount '{staging}'").Result()).Is(0, "");
        }
    }

    /// <summary>As in a file system that folds names: something is there although no entry had that name.</summary>
    [Fact]
    public void A_name_that_is_there_already_is_refused()
    {
        foreach (var add in (Action<TreeWriter>[])[
            static writer => writer.AddFile("taken", false, static _ => 0),
            static writer => writer.AddFile("taken/x", false, static _ => 0),
            static writer => writer.AddDirectory("taken"), static writer => writer.AddLink("taken", "x")])
        {
            _box.Refuses(
                () => _box.Write(writer =>
                {
                    TestFile.Write(_box.Staging + "/unpacked/taken", "");
                    add(writer);
                    return writer.Finish(unwrap: true);
                }),
                "two entries that are one path in this file system: taken");
        }
    }

    /// <summary>ext4 and tmpfs can fold case and Unicode forms, vfat folds case. Whichever can be mounted here.</summary>
    [Theory]
    [InlineData("tmpfs", "mount -t tmpfs -o casefold none {0} && mkdir {0}/1 && chattr +F {0}/1")]
    [InlineData(
        "ext4", "truncate -s 8M {1}; mkfs.ext4 -q -O casefold {1} && mount -o loop {1} {0} && mkdir {0}/1 && chattr +F {0}/1")]
    [InlineData("vfat", "truncate -s 8M {1} && mkfs.vfat {1} >&2 && mount -o loop {1} {0} && mkdir {0}/1")]
    public async Task Names_that_are_one_in_this_file_system_are_refused(string fileSystem, string mount)
    {
        Assert.SkipUnless(RootFactAttribute.MayMount, "only root can mount");
        var staging = Directory.CreateDirectory(_box.Root + "/staging").FullName;
        var mounted = await _box.Sh(string.Format(null, mount, $"'{staging}'", $"'{_box.Root}/image'")).Result();
        try
        {
            Assert.SkipWhen(mounted.Status != 0, $"a {fileSystem} that folds names cannot be mounted here: {mounted.Stderr}");
            Refuses(new TarBytes().Add("README", "1").Add("readme", "2").End());
            Refuses(new TarBytes().Add("Lib/a").Add("lib/b").End());
            Refuses(new TarBytes().Add("lib").Add("LIB/b").End());
            Refuses(new ZipBytes().Add("A").Add("a/", "", ZipBytes.Directory).End());
            if (fileSystem != "vfat")
            {
                Refuses(new TarBytes().Add("x").Link("a", "x").Link("A", "x").End());
                Refuses(new TarBytes().Add("x").Add("caf\u00e9").Add("cafe\u0301").End());

                // B is b for the kernel, and so its parent is another one than it seems.
                _box.Refuses(() => Unpack(new TarBytes().Add("x").Link("b", ".").Link("l", "B/..").End()), "leads out");
            }
        }
        finally
        {
            _ = await _box.Sh($"umount '{staging}'").Result();
        }

        void Refuses(byte[] archive)
        {
            var refusal = Assert.Throws<RunException>(() => Unpack(archive));
            Assert.Equal(ExitStatus.Data, refusal.Status);
            Assert.Contains("one path in this file system", refusal.Message, StringComparison.Ordinal);
        }

        // Each in the same directory, because that is the one that folds.
        void Unpack(byte[] archive)
        {
            using var writer = new TreeWriter(staging + "/1", TreeBox.Shown);
            try
            {
                TestFile.Write(_box.Root + "/archive", archive);
                using var file = Files.Open(_box.Root + "/archive", OpenFlags.ReadOnly)
                    .OrThrow(static error => new IOException($"{error}"));
                Archive.Unpack(file, writer, TreeBox.Shown);
            }
            finally
            {
                foreach (var directory in Directory.GetDirectories(staging + "/1"))
                {
                    Directory.Delete(directory, recursive: true);
                }
            }
        }
    }

    private long Allocated(byte[] archive)
    {
        TestFile.Write(_box.Root + "/archive", archive);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _box.Unpack(_box.Root + "/archive");
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static IEnumerable<byte> Many(byte[] bytes, int times) => Enumerable.Repeat(bytes, times).SelectMany(static b => b);
}
