using Run.Posix;
using Run.Trees;

namespace Run.Tests.Trees;

/// <summary>Archives as the usual programs write them.</summary>
public sealed class ArchiveTests : IDisposable
{
    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("tar -cf ../a top")]
    [InlineData("tar --format=gnu -czf ../a top")]
    [InlineData("tar --format=oldgnu -czf ../a top")]
    [InlineData("tar --format=pax -czf ../a top")]
    [InlineData("tar --format=pax --xattrs --acls -czf ../a top")]
    [InlineData("tar -czf ../a -V a-label top")]
    [InlineData("tar -czf ../a ./top")]
    [InlineData("tar -czf ../a top/bin/../../top 2>/dev/null", "tar")]
    [InlineData("cd top && tar -czf ../../a .", "tar", false)]
    [InlineData("cd top && tar -czf ../../a .[!.]* *", "tar", false)]
    [InlineData("tar -czf ../a --sort=name --owner=root:0 --mtime=@0 top")]
    [InlineData("tar -cf - top | gzip -9 | cat >../a")]
    [InlineData("tar -cf - top | split -b 20000 --filter=gzip - >../a")]
    [InlineData("tar -b 1 -czf ../a top")]
    [InlineData("tar -czf ../a top && dd if=/dev/zero bs=1000 count=3 2>/dev/null >>../a")]
    [InlineData("bsdtar -czf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=pax -cf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=gnutar -cf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=zip -cf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=zip --options zip:compression=store -cf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=zip -cf - top | cat >../a", "bsdtar")]
    [InlineData("zip -qry ../a.zip top && mv ../a.zip ../a", "zip")]
    [InlineData("zip -0qry ../a.zip top && mv ../a.zip ../a", "zip")]
    [InlineData("zip -9qryD ../a.zip top && mv ../a.zip ../a", "zip")]
    [InlineData("zip -qry -fz ../a.zip top && mv ../a.zip ../a", "zip")]
    [InlineData("zip -qry ../a.zip top && printf 'a comment\\n' | zip -zq ../a.zip && mv ../a.zip ../a", "zip")]
    [InlineData("cd top && zip -qry ../../a.zip . && mv ../../a.zip ../../a", "zip", false)]
    [InlineData("busybox tar -czf ../a top", "busybox")]
    [InlineData("python3 -c 'import tarfile\nwith tarfile.open(\"../a\", \"w:gz\") as a: a.add(\"top\")'", "python3")]
    [InlineData(
        "python3 -c 'import tarfile\nwith tarfile.open(\"../a\", \"w\", format=tarfile.GNU_FORMAT) as a: a.add(\"top\")'", "python3")]
    [InlineData(
        "cd top && git init -q && git add -f . && git -c user.name=n -c user.email=e commit -qm m"
        + " && git archive --prefix=p-1/ -o ../../a.tar.gz HEAD && rm -r .git && mv ../../a.tar.gz ../../a",
        "git")]
    [InlineData(
        "cd top && git init -q && git add -f . && git -c user.name=n -c user.email=e commit -qm m"
        + " && git archive --prefix=p-1/ -o ../../a.zip HEAD && rm -r .git && mv ../../a.zip ../../a",
        "git")]
    public async Task A_tree_comes_out_as_it_went_in(string pack, string tool = "tar", bool wrapped = true)
    {
        Tools.Need(tool);
        MakeTree();
        (await _box.Sh($"cd source && {pack}").Result()).Is(0, "");
        if (pack.Contains("git ", StringComparison.Ordinal) || pack.Contains(" -9qryD", StringComparison.Ordinal))
        {
            Directory.Delete(_box.Work + "/source/top/empty");
        }

        var listing = _box.Unpack($"{_box.Work}/a");
        Assert.Equal(wrapped, _box.Unwrapped is not null);
        Assert.Equal(await _box.ListingByShell($"{_box.Work}/source/top"), OsText.FromBytes(listing.ToText()));
        Assert.Equal(await _box.ListingByShell(_box.Tree), OsText.FromBytes(listing.ToText()));
        Assert.Equal(Sha256.HexOf(listing.ToText()), listing.Digest);
        Assert.Equal(
            (await _box.Sh("cd source/top && find . -mindepth 1 | LC_ALL=C sort").Result()).Stdout,
            (await _box.Sh($"cd '{_box.Tree}' && find . -mindepth 1 | LC_ALL=C sort").Result()).Stdout);
        _ = _box.Found();
    }

    /// <summary>V7 and ustar cannot have all names, and no sizes above 8 GiB; everything else about them is the same.</summary>
    [Theory]
    [InlineData("tar --format=v7 -cf ../a top")]
    [InlineData("tar --format=ustar -czf ../a top")]
    [InlineData("busybox tar -cf ../a top", "busybox")]
    [InlineData("bsdtar --format=v7tar -cf ../a top", "bsdtar")]
    [InlineData("bsdtar --format=ustar -cf ../a top", "bsdtar")]
    public async Task A_simple_tree_comes_out_of_old_formats(string pack, string tool = "tar")
    {
        Tools.Need(tool);
        _box.Put("source/top/bin/x", "#!/bin/sh\n");
        _box.Put("source/top/lib/y", "y", executable: false);
        File.CreateSymbolicLink(_box.Work + "/source/top/lib/l", "../bin/x");
        (await _box.Sh($"ln source/top/lib/y source/top/lib/z; cd source && {pack}").Result()).Is(0, "");
        Assert.Equal(
            await _box.ListingByShell($"{_box.Work}/source/top"), OsText.FromBytes(_box.Unpack($"{_box.Work}/a").ToText()));
    }

    [Fact]
    public void Forges_write_their_commit_into_a_global_header()
    {
        var listing = _box.Unpack(new TarBytes().Pax("comment", new string('c', 40), 'g').Directory("r-1.0/").Add("r-1.0/README", "r")
            .Directory("r-1.0/bin/").Script("r-1.0/bin/x").Link("r-1.0/bin/y", "x").Zipped());
        Assert.Equal("r-1.0", _box.Unwrapped);
        Assert.Equal(["README: r", "bin/", "bin/x*: #!/bin/sh\n", "bin/y -> x"], _box.Found());
        Assert.Equal(["README", "bin/x", "bin/y"], listing.Files.Select(static file => file.Path));
    }

    [Fact]
    public void Only_one_directory_is_unwrapped_and_only_if_nothing_is_beside_it()
    {
        _box.Unpack(new TarBytes().Add("a/b/c").End());
        Assert.Equal(("a", 2), (_box.Unwrapped, _box.Found().Length));
        _box.Unpack(new TarBytes().Add("a/b/c").Link("d", "a").End());
        Assert.Equal((null, 4), (_box.Unwrapped, _box.Found().Length));
        _box.Unpack(new TarBytes().Add("a").End());
        Assert.Equal((null, 1), (_box.Unwrapped, _box.Found().Length));
        _box.Unpack(new TarBytes().Directory("./").Add("./a/b").Directory("c").End());
        Assert.Equal((null, 3), (_box.Unwrapped, _box.Found().Length));
    }

    [Fact]
    public void Modes_become_those_of_git_and_set_id_bits_are_dropped()
    {
        const int SetIds = 3072, Sticky = 512, All = 511, OwnerReads = 256, OwnerExecutes = 64, OthersExecute = 9;
        _box.Unpack(new TarBytes().Add("a", mode: SetIds | Sticky | All).Add("b", mode: OwnerReads).Add("c", mode: OwnerExecutes)
            .Add("d", mode: OthersExecute).Add("e", mode: 0).Add("d1/", type: '5', mode: SetIds | Sticky).End());
        Assert.Equal(["a*: ", "b: ", "c*: ", "d1/", "d: ", "e: "], _box.Found());
        _box.Unpack(new ZipBytes().Add("a", attributes: 0x8dff0000).Add("b", attributes: 0).Add("c", attributes: 0x20).End());
        Assert.Equal(["a*: ", "b: ", "c: "], _box.Found());
    }

    [Fact]
    public void Names_are_normalised_as_tar_does()
    {
        _box.Unpack(new TarBytes().Add("././a//b").Directory("a/c//").Add("d///", type: '0')
            .Add("e/", type: '\0', magic: "").Add("f/g", type: '7').End());
        Assert.Equal(["a/", "a/b: ", "a/c/", "d/", "e/", "f/", "f/g: "], _box.Found());
    }

    [Fact]
    public void Names_keep_their_bytes()
    {
        var listing = _box.Unpack(new ZipBytes().Add("caf\udce9", "latin 1").Add("café", "UTF-8").Add("a\\b", "of Windows").End());
        Assert.Equal(["a\\b: of Windows", "café: UTF-8", "caf\udce9: latin 1"], _box.Found());
        Assert.Equal(listing.Digest, TreeListing.Parse(listing.ToText())!.Digest);
    }

    /// <summary>Info-ZIP's Unicode Path, for names in the encoding of the system where a zip was made.</summary>
    [Fact]
    public void A_zip_may_have_its_names_in_UTF_8_too()
    {
        const string Name = "caf\udc82";
        byte[] time = [(byte)'U', (byte)'T', 5, 0, 1, 0, 0, 0, 0];
        var right = ZipBytes.UnicodePath("café", Name);
        foreach (var extra in (byte[][])[right, [.. time, .. right], [.. right, .. time]])
        {
            _box.Unpack(new ZipBytes().Add(Name, "x", extra: extra, localExtra: extra).Add("l", Name, ZipBytes.Link).End());
            Assert.Equal(["café: x", $"l -> {Name}"], _box.Found());
            _box.Unpack(new ZipBytes().Add(Name, "x", extra: extra, localExtra: time).End());
            Assert.Equal(["café: x"], _box.Found());
        }

        byte[] ofAnother = ZipBytes.UnicodePath("café", "cafe"), later = ZipBytes.UnicodePath("café", Name, version: 2);
        foreach (var wrong in (byte[][])[ofAnother, later, right[..8]])
        {
            _box.Unpack(new ZipBytes().Add(Name, "x", extra: wrong, localExtra: wrong).End());
            Assert.Equal([$"{Name}: x"], _box.Found());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(11)]
    public void Zips_of_Windows_may_separate_names_by_backslashes(int system)
    {
        _box.Unpack(new ZipBytes().Add(@"a\", attributes: 0x10, system: system).Add(@"a\b\x", "1", attributes: 0x20, system: system)
            .Add(@"c/d\e", attributes: 0x20, system: system).Add("\udc95\\", attributes: 0x20, system: system)
            .Add(@"f\g", attributes: 0x20, system: 3).End());
        Assert.Equal(["a/", "a/b/", "a/b/x: 1", "c/", @"c/d\e: ", @"f\g: ", "\udc95\\: "], _box.Found());
        _box.Refuses(new ZipBytes().Add("x").Add(@"..\evil", system: system).End(), "leads out");
        _box.Refuses(new ZipBytes().Add("x").Add(@"\evil", system: system).End(), "an absolute path");
    }

    [Fact]
    public void Attributes_take_precedence_over_the_header()
    {
        var prefixed = new byte[512];
        new TarBytes().Add("b/x", "1").Cut().AsSpan(0, 512).CopyTo(prefixed);
        "t/a"u8.CopyTo(prefixed.AsSpan(345));
        var old = prefixed.ToArray();
        "ustar  \0"u8.CopyTo(old.AsSpan(257)); // GNU has a time there
        _box.Unpack(new TarBytes().Pax("comment", "c").Header(prefixed).Data([(byte)'1']).Header(old).Data([(byte)'2'])
            .Pax("mtime", "-1.5").Long('L', "long").Add("short", "3").Long('K', "long").Long('L', "link").Link("l", "m").End());
        Assert.Equal(["b/", "b/x: 2", "link -> long", "long: 3", "t/", "t/a/", "t/a/b/", "t/a/b/x: 1"], _box.Found());

        _box.Unpack(new TarBytes().Pax("size", "3").Add("a", "123", size: 1)
            .Pax("path", "b", 'g').Pax("path", "").Add("c").Add("d").End());
        Assert.Equal(["a: 123", "b: ", "c: "], _box.Found());
        _box.Unpack(new TarBytes().Add("d", type: '5', size: 4096).Add("d/x").Add("l", type: '2', link: "d", size: 1).Add("z").End());
        Assert.Equal(["d/", "d/x: ", "l -> d", "z: "], _box.Found());
    }

    [Fact]
    public void A_hard_link_is_a_file_of_its_own()
    {
        _box.Unpack(new TarBytes().Script("t/bin/x").HardLink("t/y", "./t/bin/x").Link("t/l", "y").HardLink("t/m", "t/l").End());
        Assert.Equal(["bin/", "bin/x*: #!/bin/sh\n", "l -> y", "m -> y", "y*: #!/bin/sh\n"], _box.Found());
    }

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=oldgnu")]
    [InlineData("--format=pax --sparse-version=0.0")]
    [InlineData("--format=pax --sparse-version=0.1")]
    [InlineData("--format=pax --sparse-version=1.0")]
    public async Task A_sparse_file_is_named(string format)
    {
        Tools.Need("tar");
        (await _box.Sh($"mkdir top; truncate -s 1M top/hole; echo x >>top/hole; tar -S {format} -cf a top").Result()).Is(0, "");
        _box.Refuses(() => _box.Unpack($"{_box.Work}/a"), "holds a sparse file: top/hole", "tar without -S");
    }

    [Theory]
    [InlineData("xz", "xz -c", "compressed with xz")]
    [InlineData("bzip2", "bzip2 -c", "compressed with bzip2")]
    [InlineData("zstd", "zstd -qc", "compressed with zstd")]
    public async Task Another_compression_is_named(string tool, string compress, string what)
    {
        Tools.Need(tool);
        (await _box.Sh($"echo x >x; tar -c x | {compress} >a").Result()).Is(0, "");
        _box.Refuses(() => _box.Unpack($"{_box.Work}/a"), what, "tar, tar.gz and zip can be unpacked");
    }

    [Fact]
    public void What_is_no_archive_is_refused()
    {
        _box.Refuses([], "is not an archive");
        _box.Refuses("#!/bin/sh\necho hello\n"u8.ToArray(), "is not an archive", "tar, tar.gz and zip can be unpacked");
        _box.Refuses("<!DOCTYPE html>"u8.ToArray(), "is not an archive");
        _box.Refuses(new byte[511], "is not an archive");
        _box.Refuses(TarBytes.Gzip("#!/bin/sh\necho hello\n"u8.ToArray()), "compressed with gzip, but there is no tar in it");
        _box.Refuses(TarBytes.Gzip(new TarBytes().Add("x").Zipped()), "no tar in it");
        _box.Refuses([0x1f, 0x8b], "damaged or was cut short");
        _box.Refuses([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4], "7-Zip");
        _box.Refuses("Rar!\u001a\a"u8.ToArray(), "rar");
        _box.Refuses("!<arch>\ndebian-binary"u8.ToArray(), "an ar archive");
    }

    [Fact]
    public void An_archive_without_a_file_is_refused()
    {
        var tar = new TarBytes();
        foreach (var empty in (byte[][])[tar.End(), tar.Zipped(), new TarBytes().Directory("d").End(), new ZipBytes().End()])
        {
            var refusal = Assert.Throws<RunException>(() => _box.Unpack(empty));
            Assert.Equal((ExitStatus.Data, $"{TreeBox.Shown} is an archive without a file in it"), (refusal.Status, refusal.Message));
        }
    }

    [Fact]
    public void A_place_that_is_taken_is_no_fault_of_the_archive()
    {
        Directory.CreateDirectory(_box.Root + "/staging/1/unpacked");
        var failure = Assert.Throws<RunException>(() => _box.Unpack(new TarBytes().Add("x").End()));
        Assert.Equal(ExitStatus.CannotWrite, failure.Status);
    }

    private void MakeTree()
    {
        _box.Put("source/top/bin/x", "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/common.sh\"\n");
        _box.Put("source/top/lib/common.sh", "echo hello\n", executable: false);
        _box.Put("source/top/lib/empty file", "", executable: false);
        _box.Put("source/top/lib/" + new string('l', 120) + "/" + new string('m', 200), "long", executable: false);
        _box.Put("source/top/lib/" + string.Concat(Enumerable.Repeat("é", 60)) + "/ü", "UTF-8", executable: false);
        _box.Put("source/top/large", string.Concat(Enumerable.Range(0, 60_000)), executable: false);
        _box.Put("source/top/.hidden", "h");
        File.CreateSymbolicLink(_box.Work + "/source/top/bin/common", "../lib/common.sh");
        File.CreateSymbolicLink(_box.Work + "/source/top/dangling", "lib/" + new string('n', 180));
        Directory.CreateDirectory(_box.Work + "/source/top/empty");
    }
}
