using FsCheck;
using FsCheck.Fluent;
using Run.Posix;
using Run.Trees;

namespace Run.Tests.Trees;

public sealed class TreeProperties : IDisposable
{
    private readonly TreeBox _box = new();

    /// <summary>Names that are likely to matter, in paths that are likely to collide.</summary>
    private static readonly Gen<string> s_paths = Gen.Elements(
            "a", "b", "c", ".", "..", "", "a b", "é", "\udcff", "-", "#", "A", "\n", "...", "..a")
        .ListOf().Where(static names => names.Count is > 0 and < 7).Select(static names => string.Join('/', names));

    private static readonly Gen<Entry[]> s_entries = Gen.ArrayOf(
        from kind in Gen.Elements('f', 'f', 'f', 'x', 'd', 'l', 'l', 'h')
        from path in s_paths
        from target in s_paths
        from up in Gen.Elements("", "", "../", "../../", "/")
        from content in Gen.Elements("", "1", "2")
        select new Entry(kind, path, up + target, content));

    public void Dispose() => _box.Dispose();

    /// <summary>Whatever is asked of it, the writer refuses or writes inside; and each link leads inside, as the kernel sees it.</summary>
    [Fact]
    public void Nothing_lands_outside_and_no_link_leads_there()
    {
        var written = 0;
        Prop.ForAll(s_entries.ToArbitrary(), entries =>
        {
            try
            {
                var listing = _box.Write(writer =>
                {
                    foreach (var entry in entries)
                    {
                        try
                        {
                            entry.AddTo(writer);
                            written++;
                        }
                        catch (RunException e) when (e.Status == ExitStatus.Data)
                        {
                            // The next entry is no safer for it.
                        }
                    }

                    return writer.Finish(unwrap: true);
                });
                return listing.Files.All(file => IsInside($"{_box.Tree}/{file.Path}", file))
                    && listing.Files.Count == _box.Found()
                        .Count(static found => !found.EndsWith('/') || found.Contains(" -> ", StringComparison.Ordinal));
            }
            catch (RunException e)
            {
                return e.Status == ExitStatus.Data;
            }
        }).Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(500));
        Assert.Equal(["staging"], Directory.GetDirectories(_box.Root, "sta*").Select(Path.GetFileName));
        Assert.True(written > 1000, $"only {written} entries were written: the property says little");
    }

    /// <summary>A link is accepted exactly if what it leads to, were all of its names there, is inside.</summary>
    [Fact]
    public void A_link_is_refused_exactly_if_its_text_leads_out_of_a_tree_without_other_links()
    {
        var parts = Gen.Elements("a", "b", "..", "..", ".", "").ListOf().Where(static names => names.Count > 0);
        Prop.ForAll(parts.ToArbitrary(), parts =>
        {
            var target = string.Join('/', parts);
            var depth = 3;
            var missing = false;
            var isOut = target.Length == 0 || target[0] == '/';
            foreach (var part in parts.Where(static part => part is not ("" or ".")))
            {
                // Below a/a/a there is nothing, and what is not there has no parent.
                missing |= part == "b" || (part == "a" && depth == 3);
                depth += part == ".." ? -1 : 1;
                isOut |= depth < 0 || (missing && part == "..");
            }

            try
            {
                _ = _box.Write(writer =>
                {
                    writer.AddDirectory("a/a/a");
                    writer.AddDirectory("z");
                    writer.AddLink("a/a/a/l", target);
                    return writer.Finish(unwrap: false);
                });
                return !isOut;
            }
            catch (RunException e)
            {
                return isOut && e.Status == ExitStatus.Data;
            }
        }).Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(500));
    }

    [Fact]
    public void A_listing_is_read_as_it_was_written() => Prop.ForAll(Listings().ToArbitrary(), static listing =>
    {
        var text = listing.ToText();
        var read = TreeListing.Parse(text);
        return read is not null && read.ToText().SequenceEqual(text) && read.Digest == listing.Digest
            && listing.Files.All(file => read.Find(file.Path) == file) && read.Find("not there") is null;
    }).Holds();

    [Fact]
    public void A_listing_does_not_depend_on_the_order_and_is_sorted_by_bytes() => Prop.ForAll(Listings().ToArbitrary(), static listing =>
    {
        var paths = listing.Files.Select(static file => Convert.ToHexString(OsText.ToBytes(file.Path))).ToList();
        return new TreeListing(listing.Files.Reverse()).Digest == listing.Digest
            && paths.SequenceEqual(paths.Order(StringComparer.Ordinal));
    }).Holds();

    [Fact]
    public void A_listing_that_is_damaged_is_not_read()
    {
        var none = Sha256.HexOf([]);
        TreeFile[] files = [new("a/b", TreeFileKind.Plain, none), new("c", TreeFileKind.Link, none)];
        var text = new TreeListing(files).ToText();
        Assert.NotNull(TreeListing.Parse(text));
        var lines = OsText.FromBytes(text);
        foreach (var (right, wrong) in ((string, string)[])[
            ("100644", "100645"), ("120000 ", "120000"), ("a/b", "a//b"), ("a/b", "a/.."), ("a/b", "/b"), ("a/b", "c"), ("a/b", "d"),
            ("a/b", "a/./b"), ("a/b", ""), ("a/b", "a\rb"), ("e3b0", "E3B0"), ("e3b0", "3b0"),
            ("b855 c", "b855\tc"), ("100644", "é00644"), ("e3b0", "éb0")])
        {
            Assert.Contains(right, lines, StringComparison.Ordinal);
            Assert.Null(TreeListing.Parse(OsText.ToBytes(lines.Replace(right, wrong, StringComparison.Ordinal))));
        }

        for (var length = 1; length < text.Length; length++)
        {
            Assert.True(text[length - 1] == '\n' || TreeListing.Parse(text[..length]) is null);
        }
    }

    /// <summary>The same files in any order, packed in any way, have the listing that find and sha256sum print of them.</summary>
    [Fact]
    public async Task The_digest_is_that_of_the_shell_however_the_tree_was_packed()
    {
        string[] names = ["a", "a.b", "a/b", "a-b", "B", "é", "z z", "0/\udcfe", "0/1/2/3", "~", "a0"];
        var random = new Random(16);
        for (var round = 0; round < 8; round++)
        {
            random.Shuffle(names);
            var chosen = names.Take(6).Where(name => name != "a" || !names.Take(6).Contains("a/b")).Append("x").ToArray();
            var (tar, zip, back) = (new TarBytes(), new ZipBytes(), new TarBytes());
            foreach (var name in chosen)
            {
                var (isLink, executes) = (name.Length % 3 == 2, name.Length % 2 == 0);
                _ = isLink ? zip.Add(name, "x", ZipBytes.Link) : zip.Add(name, name, executes ? ZipBytes.Script : ZipBytes.File);
            }

            foreach (var name in chosen)
            {
                _ = name.Length % 3 == 2 ? tar.Link(name, "x") : tar.Add(name, name, mode: name.Length % 2 == 0 ? 493 : 420);
            }

            foreach (var name in chosen.Reverse())
            {
                _ = name.Length % 3 == 2
                    ? back.Long('L', "top/" + name).Link("n", "x")
                    : back.Pax("path", "top/" + name).Add("n", name, mode: name.Length % 2 == 0 ? 448 : 256);
            }

            var fromZip = _box.Unpack(zip.End());
            Assert.Equal(await _box.ListingByShell(_box.Tree), OsText.FromBytes(fromZip.ToText()));
            var fromTar = _box.Unpack(tar.Zipped());
            Assert.Equal(await _box.ListingByShell(_box.Tree), OsText.FromBytes(fromTar.ToText()));
            Assert.Equal(fromTar.Digest, _box.Unpack(back.End()).Digest);
        }
    }

    private static Gen<TreeListing> Listings() =>
        from count in Gen.Choose(0, 30)
        from names in Gen.Elements("a", "b", "a.b", "é", "\udcff", "\ue000", "\U00010000", "z z").ListOf()
            .Where(static names => names.Count > 0).Select(static names => string.Join('/', names)).ListOf(count)
        from kinds in Gen.Elements(TreeFileKind.Plain, TreeFileKind.Executable, TreeFileKind.Link).ListOf(count)
        select new TreeListing(
            names.Distinct().Zip(kinds, static (name, kind) => new TreeFile(name, kind, Sha256.HexOf(OsText.ToBytes(name)))));

    private bool IsInside(string path, TreeFile file)
    {
        var status = Files.LinkStatus(path).Value;
        if (file.Kind != TreeFileKind.Link)
        {
            return status is { IsRegular: true };
        }

        var real = Files.RealPath(path);
        return status is { IsLink: true }
            && (real.Error is Errno.NoEntry or Errno.TooManyLinks or Errno.NotDirectory
                || real.Value == _box.Tree || real.Value!.StartsWith(_box.Tree + "/", StringComparison.Ordinal));
    }

    public sealed record Entry(char Kind, string Path, string Target, string Content)
    {
        internal void AddTo(TreeWriter writer)
        {
            switch (Kind)
            {
                case 'd':
                    writer.AddDirectory(Path);
                    break;
                case 'l':
                    writer.AddLink(Path, Target);
                    break;
                case 'h':
                    writer.AddHardLink(Path, Target);
                    break;
                default:
                    var rest = Content.Length;
                    writer.AddFile(Path, Kind == 'x', buffer =>
                    {
                        var length = rest;
                        rest = 0;
                        OsText.ToBytes(Content)[..length].CopyTo(buffer, 0);
                        return length;
                    });
                    break;
            }
        }
    }
}
