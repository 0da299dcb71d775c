using System.Globalization;
using Run.Posix;
using Run.Trees;

namespace Run.Tests.Trees;

/// <summary>A place where archives are made, and another where they are unpacked. What is beside those is watched.</summary>
internal sealed class TreeBox : Sandbox
{
    public const string Shown = "https://h.test/x";

    private int _unpacked;

    /// <summary>Of the archive that was unpacked last: the directory that <see cref="TreeWriter"/> was given.</summary>
    public string Staging => $"{Root}/staging/{_unpacked}";

    public string Tree => Staging + "/tree";

    /// <summary>Where hostile entries want to write.</summary>
    public string Outside => Root + "/outside";

    public string? Unwrapped { get; private set; }

    public TreeListing Unpack(string archive)
    {
        using var file = Files.Open(archive, OpenFlags.ReadOnly).OrThrow(static error => new IOException($"{error}"));
        return Write(writer => Archive.Unpack(file, writer, Shown));
    }

    public TreeListing Unpack(byte[] archive)
    {
        var path = $"{Root}/archive";
        TestFile.Write(path, archive);
        return Unpack(path);
    }

    public TreeListing Write(Func<TreeWriter, TreeListing> write)
    {
        _unpacked++;
        Directory.CreateDirectory(Staging);
        using var writer = new TreeWriter(Staging, Shown);
        var listing = write(writer);
        Unwrapped = writer.Unwrapped;
        return listing;
    }

    /// <summary>Status 65, a message with these words, no tree, and nothing anywhere else.</summary>
    public string Refuses(byte[] archive, params string[] words) => Refuses(() => Unpack(archive), words);

    public string Refuses(Action unpack, params string[] words)
    {
        Directory.CreateDirectory(Outside);
        TestFile.Write(Outside + "/canary", "alive");
        var before = Beside();
        var refusal = Assert.Throws<RunException>(unpack);
        Assert.Equal(ExitStatus.Data, refusal.Status);
        Assert.StartsWith(Shown, refusal.Message, StringComparison.Ordinal);
        foreach (var word in words)
        {
            Assert.Contains(word, refusal.Message + refusal.Hint, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Tree), "there is a tree");
        Assert.Equal(before, Beside());
        Assert.Equal("alive", File.ReadAllText(Outside + "/canary"));
        AssertNoLinks();
        return refusal.Message;
    }

    /// <summary>The paths in the tree with their contents or targets, sorted, with an asterisk after what is executable.</summary>
    public string[] Found() => [.. Walk(Tree).Select(Describe).Order(StringComparer.Ordinal)];

    /// <summary>What the listing should be, by programs that everybody has: README and manual tell users to do this.</summary>
    public async Task<string> ListingByShell(string directory) => (await Sh($$"""
        cd '{{directory}}'
        { find . -type f -perm /100 -printf '100755 %P\n'
          find . -type f ! -perm /100 -printf '100644 %P\n'
          find . -type l -printf '120000 %P\n'; } | LC_ALL=C sort -k2 | while IFS= read -r line; do
            path=${line#* }
            case $line in
                120000*) sum=$(readlink -n "./$path" | sha256sum) ;;
                *) sum=$(sha256sum <"./$path") ;;
            esac
            printf '%s %s %s\n' "${line%% *}" "${sum%% *}" "$path"
        done
        """).Result()).Stdout;

    /// <summary>Everything in the sandbox, except what is unpacked and the archive.</summary>
    private string Beside() => string.Join('\n', Walk(Root)
        .Where(path => !path.StartsWith($"{Root}/staging", StringComparison.Ordinal) && path != $"{Root}/archive")
        .Select(path => string.Create(CultureInfo.InvariantCulture, $"{path} {Files.LinkStatus(path).Value?.Stamp.Modified}"))
        .Order(StringComparer.Ordinal));

    private void AssertNoLinks() => Assert.DoesNotContain(Walk(Staging), static path => Files.LinkStatus(path).Value!.IsLink);

    /// <summary>.NET's own enumeration cannot name files that are not UTF-8.</summary>
    private static IEnumerable<string> Walk(string directory)
    {
        foreach (var name in Files.Names(directory).OrThrow(error => new IOException($"{directory}: {error}")))
        {
            var path = $"{directory}/{name}";
            yield return path;
            if (Files.LinkStatus(path).Value is { IsDirectory: true })
            {
                foreach (var below in Walk(path))
                {
                    yield return below;
                }
            }
        }
    }

    private string Describe(string path)
    {
        var status = Files.LinkStatus(path).Value!;
        var name = path[(Tree.Length + 1)..];
        if (status.IsLink)
        {
            return $"{name} -> {Files.LinkTarget(path).Value}";
        }

        if (status.IsDirectory)
        {
            Assert.Equal(Permissions.SealedDirectory, status.Mode & 0xfff);
            return name + "/";
        }

        Assert.True(status.IsRegular);
        var executes = (status.Mode & 0xfff) == Permissions.PrivateScript;
        Assert.True(executes || (status.Mode & 0xfff) == Permissions.PrivateData);
        using var file = Files.Open(path, OpenFlags.ReadOnly).OrThrow(static error => new IOException($"{error}"));
        return $"{name}{(executes ? "*" : "")}: {OsText.FromBytes(Files.Read(file, 1 << 20).Value!)}";
    }
}
