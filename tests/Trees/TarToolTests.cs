using System.Text;
using Run.Posix;

namespace Run.Tests.Trees;

/// <summary>What the usual programs write into a tar when names are long or of another encoding, or owners and times are unusual.</summary>
public sealed class TarToolTests : IDisposable
{
    private const string Python = """
        python3 -c 'import sys, tarfile
        with tarfile.open("../a", "w", format=getattr(tarfile, sys.argv[1] + "_FORMAT")) as a: a.add("top")'
        """;

    private const string Perl = """
        perl -MArchive::Tar -MFile::Find -e 'find({ wanted => sub { push @f, $_ }, no_chdir => 1 }, "top");
        Archive::Tar->create_archive("../a", 0, @f) or die Archive::Tar->error'
        """;

    /// <summary>A path of 236 bytes, which has to be divided, one of 266, which cannot be, and a link to it.</summary>
    private const string Long = """
        d=$(printf 'd%.0s' $(seq 115)) e=$(printf 'e%.0s' $(seq 115)); mkdir -p "top/$d/$e"; echo 1 >"top/$d/f"; echo 2 >"top/$d/$e/f"
        g=$(printf 'g%.0s' $(seq 30)); echo 3 >"top/$d/$e/$g"; ln -s "$d/$e/$g" top/l; ln "top/$d/$e/$g" "top/$d/h"
        """;

    private const string NotUtf8 = """
        mkdir -p "$(printf 'top/\351')"; echo 1 >"$(printf 'top/caf\351')"; echo 2 >"$(printf 'top/\351/\377\376')"; echo 3 >top/café
        ln -s "$(printf '\351/\377\376')" "$(printf 'top/l\302')"
        """;

    /// <summary>Every way of packing, and whether it can pack everything.</summary>
    private static readonly (string Pack, string Tool, bool IsComplete)[] s_ways =
    [
        ("tar --format=gnu -cf ../a top", "tar", true), ("tar --format=oldgnu -czf ../a top", "tar", true),
        ("tar --format=pax -cf ../a top", "tar", true), ("tar --format=ustar -cf ../a top", "tar", false),
        ("tar --format=v7 -cf ../a top", "tar", false), ("bsdtar -cf ../a top", "bsdtar", true),
        ("bsdtar --format=pax -czf ../a top", "bsdtar", true), ("bsdtar --format=gnutar -cf ../a top", "bsdtar", true),
        ("bsdtar --format=ustar -cf ../a top", "bsdtar", false), ("busybox tar -cf ../a top", "busybox", true),
        ($"{Python} PAX", "python3", true), ($"{Python} GNU", "python3", true), ($"{Python} USTAR", "python3", false),
    ];

    private readonly TreeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("bsdtar", "bsdtar --format=pax -cf ../a top")]
    [InlineData("bsdtar", "bsdtar -cf ../a top")]
    [InlineData("bsdtar", "touch -d @0.5 top top/*; bsdtar -cf ../a top")]
    [InlineData("bsdtar", "bsdtar --format=gnutar -cf ../a top")]
    [InlineData("tar", "tar --format=gnu -cf ../a top")]
    [InlineData("tar", "tar --format=pax -cf ../a top")]
    [InlineData("tar", "tar --format=gnu --owner=u:4294967294 --group=g:4294967294 -cf ../a top")]
    [InlineData("tar", "tar --format=pax --owner=u:4294967294 --group=g:4294967294 -cf ../a top")]
    [InlineData("python3", $"{Python} PAX")]
    [InlineData("python3", $"{Python} GNU")]
    [InlineData("busybox", "busybox tar -cf ../a top")]
    [InlineData("perl", "rm top/l; " + Perl)]
    [InlineData("git", "cd top && git init -q && git add -f . && git -c user.name=n -c user.email=e commit -qm m"
        + " && git archive --prefix=top/ -o ../../a.tar.gz HEAD && rm -r .git && mv ../../a.tar.gz ../../a")]
    public Task Long_names(string tool, string pack) => AsItWentIn(tool, Long, pack);

    [Theory]
    [InlineData("tar", "tar --format=gnu -cf ../a top")]
    [InlineData("tar", "tar --format=pax -cf ../a top")]
    [InlineData("tar", "tar --format=ustar -cf ../a top")]
    [InlineData("tar", "tar --format=v7 -cf ../a top")]
    [InlineData("bsdtar", "bsdtar --format=pax -cf ../a top 2>/dev/null")]
    [InlineData("bsdtar", "bsdtar --format=gnutar -cf ../a top 2>/dev/null")]
    [InlineData("bsdtar", "bsdtar --format=ustar -cf ../a top 2>/dev/null")]
    [InlineData("python3", $"{Python} PAX")]
    [InlineData("python3", $"{Python} GNU")]
    [InlineData("busybox", "busybox tar -cf ../a top")]
    [InlineData("perl", Perl)]
    [InlineData("zip", "zip -qry ../a.zip top && mv ../a.zip ../a")]
    [InlineData("git", "cd top && git init -q && git add -f . && git -c user.name=n -c user.email=e commit -qm m"
        + " && git archive --prefix=top/ -o ../../a.tar HEAD && rm -r .git && mv ../../a.tar ../../a")]
    public Task Names_that_are_not_UTF_8(string tool, string pack) => AsItWentIn(tool, NotUtf8, pack);

    [Theory]
    [InlineData("tar", "tar --format=gnu --owner=u:4294967294 --group=g:4294967294 -cf ../a top")]
    [InlineData("tar", "tar --format=pax --owner=u:4294967294 --group=g:4294967294 -cf ../a top")]
    [InlineData("tar", "touch -d 1960-01-01 top/x top; tar --format=gnu -cf ../a top")]
    [InlineData("tar", "touch -d 1960-01-01 top/x top; tar --format=pax -cf ../a top")]
    [InlineData("bsdtar", "touch -d 1960-01-01 top/x top; bsdtar -cf ../a top")]
    [InlineData("bsdtar", "touch -d 1960-01-01 top/x top; bsdtar --format=gnutar -cf ../a top")]
    [InlineData("python3", "touch -d 1960-01-01 top/x top; " + Python + " GNU")]
    [InlineData("python3", "touch -d 1960-01-01 top/x top; " + Python + " PAX")]
    [InlineData("tar", "tar --format=gnu --mtime=@999999999999 -cf ../a top")]
    [InlineData("tar", "tar --format=pax --mtime=@999999999999 -cf ../a top")]
    [InlineData("tar", "tar --format=gnu -g ../snapshot -cf ../a top")]
    [InlineData("tar", "tar --format=pax -g ../snapshot -cf ../a top")]
    public Task Owners_and_times_do_not_matter(string tool, string pack) =>
        AsItWentIn(tool, "mkdir -p top/bin; echo 1 >top/x; echo 2 >top/bin/y; chmod +x top/bin/y", pack);

    [Fact]
    public async Task A_part_of_an_archive_of_several_volumes()
    {
        Tools.Need("tar");
        (await _box.Sh("mkdir top; head -c 30000 /dev/zero >top/x; tar --format=gnu -ML 20 -cf a -f b top").Result()).Is(0, "");
        _box.Refuses(() => _box.Unpack($"{_box.Work}/a"), "top/x is not complete");
        _box.Refuses(() => _box.Unpack($"{_box.Work}/b"), "a part of a file: top/x");
    }

    /// <summary>Trees of all kinds of names, packed in all ways, have one digest: that of find and sha256sum.</summary>
    [Fact]
    public async Task A_tree_has_one_digest_however_it_was_packed()
    {
        Tools.Need("tar", "bsdtar", "busybox", "python3");
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var packed = 0;
        for (var round = 0; round < 6; round++)
        {
            (await _box.Sh($"rm -rf source; mkdir -p source/top; cd source/top\n{SomeTree(random)}").Result()).Is(0, "");
            var listing = await _box.ListingByShell($"{_box.Work}/source/top");
            foreach (var (pack, _, isComplete) in s_ways)
            {
                var result = await _box.Sh($"rm -f a; cd source && {pack}").Result();
                var isPacked = result is { Status: 0, Stderr: "" };
                if (isPacked || isComplete)
                {
                    Assert.True(result.Status == 0, $"seed {seed}, round {round}: {result.Transcript}");
                    var found = OsText.FromBytes(_box.Unpack($"{_box.Work}/a").ToText());
                    Assert.True(listing == found, $"seed {seed}, round {round}, {pack}: {listing}\nis not\n{found}");
                    packed++;
                }
            }
        }

        Assert.True(packed >= 6 * s_ways.Count(static way => way.IsComplete));
    }

    /// <summary>A byte that no reader needs may be any; one that changes a header without its checksum is found; a cut is found.</summary>
    [Fact]
    public async Task Damage_is_refused_or_does_not_matter()
    {
        Tools.Need("tar", "bsdtar", "busybox", "python3");
        (await _box.Sh($"mkdir source; cd source\n{Long}\n{NotUtf8}").Result()).Is(0, "");
        var seed = Environment.TickCount;
        var random = new Random(seed);
        foreach (var (pack, _, _) in s_ways.Where(static way => way.IsComplete && !way.Pack.Contains("-cz", StringComparison.Ordinal)))
        {
            (await _box.Sh($"rm -f a; cd source && {pack} 2>/dev/null").Result()).Is(0, "");
            var tar = await File.ReadAllBytesAsync($"{_box.Work}/a", TestContext.Current.CancellationToken);
            var listing = OsText.FromBytes(_box.Unpack(tar).ToText());
            var headers = Headers(tar);
            var end = headers[^1];
            for (var round = 0; round < 30; round++)
            {
                byte[] changed = [.. tar];
                var header = headers[random.Next(headers.Count - 1)];
                var ignored = Ignored(tar.AsSpan(header), random);
                changed[header + ignored] ^= (byte)random.Next(1, 128);
                Assert.True(Try(changed) is null, $"seed {seed}, {pack}: byte {header + ignored} is not in the checksum");
                TarBytes.Sum(changed.AsSpan(header, 512));
                Assert.True(Try(changed) == listing, $"seed {seed}, {pack}: byte {header + ignored} changes the tree");
                Assert.True(Try(tar[..random.Next(1, end)]) is null, $"seed {seed}, {pack}: it is cut");
                _ = Try(FuzzTests.Change(tar, random));
            }
        }
    }

    private static string SomeTree(Random random)
    {
        var script = new StringBuilder();
        string Name() => random.Next(8) switch
        {
            0 => new string('n', random.Next(95, 106)),
            1 => new string('m', random.Next(150, 160)),
            2 => "é" + new string('é', random.Next(60)),
            3 => "'\"$(printf 'x\\377%d' " + random.Next(9) + ")\"'",
            4 => "a b",
            _ => $"f{random.Next(100)}",
        };
        for (var i = 0; i < 12; i++)
        {
            // What is there already stays.
            var directory = string.Join('/', Enumerable.Range(0, random.Next(4)).Select(_ => "d-" + Name()).Prepend("."));
            var target = $"{Name()}/{Name()}";
            script.Append($"mkdir -p '{directory}'; p='{directory}/{Name()}'; [ -e \"$p\" ] || [ -L \"$p\" ] || ");
            script.Append(random.Next(5) switch
            {
                0 => $"ln -s '{target}' \"$p\"",
                1 => $"ln x \"$p\"",
                2 => "{ echo '#!/bin/sh' >\"$p\"; chmod 755 \"$p\"; }",
                _ => $"head -c {random.Next(2000)} /dev/zero >\"$p\"",
            }).Append('\n');
            script.Insert(0, i == 0 ? "echo x >x\n" : "");
        }

        return script.ToString();
    }

    /// <summary>Where the headers are, and last the end. The sizes of these archives are octal, and also that of a pax header.</summary>
    private static List<int> Headers(byte[] tar)
    {
        var headers = new List<int> { 0 };
        while (tar[headers[^1]] != 0)
        {
            var header = tar.AsSpan(headers[^1], 512);
            var size = Convert.ToInt32(Encoding.ASCII.GetString(header.Slice(124, 11)).Trim(), 8);
            headers.Add(headers[^1] + 512 + ((size + 511) / 512 * 512));
        }

        return headers;
    }

    /// <summary>A place in a header of which nothing is read: owners, times, devices, and what only GNU or nobody has.</summary>
    private static int Ignored(ReadOnlySpan<byte> header, Random random)
    {
        var isGnu = header[257..].StartsWith("ustar "u8);
        (int From, int To)[] ignored = [(108, 124), (136, 148), (265, 345), isGnu ? (345, 512) : (500, 512)];
        var (from, to) = ignored[random.Next(ignored.Length)];
        return random.Next(from, to);
    }

    /// <returns>Null: it was refused.</returns>
    private string? Try(byte[] archive)
    {
        try
        {
            return OsText.FromBytes(_box.Unpack(archive).ToText());
        }
        catch (RunException e) when (e.Status == ExitStatus.Data)
        {
            return null;
        }
    }

    private async Task AsItWentIn(string tool, string make, string pack)
    {
        Tools.Need(tool);
        (await _box.Sh($"mkdir source; cd source\n{make}\n{pack}").Result()).Is(0, "");
        var listing = _box.Unpack($"{_box.Work}/a");
        Assert.True(listing.Files.Count > 1);
        Assert.Equal(await _box.ListingByShell($"{_box.Work}/source/top"), OsText.FromBytes(listing.ToText()));
    }
}
