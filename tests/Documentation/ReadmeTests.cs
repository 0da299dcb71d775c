using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Run.Tests.Git;
using Run.Tests.Trees;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Documentation;

/// <summary>What the README shows works: its examples are run as they are, with only the names of hosts and paths replaced.</summary>
public sealed partial class ReadmeTests
{
    private const string Script = "#!/bin/sh\necho \"${0##*/} $*\"\n";

    [Fact]
    public async Task Its_examples_work()
    {
        await using var world = await Serve();
        var examples = Documents.Blocks(Documents.Readme, "sh").Where(static block => Example().IsMatch(block)).ToList();
        Assert.InRange(examples.Count, 3, 10);
        // Also those of the first screen, each of which is in its own kind of file.
        var cron = CronLine().Match(Documents.Blocks(Documents.Readme, "crontab").First()).Groups["command"].Value;
        var steps = Documents.Blocks(Documents.Readme, "yaml").First(static block => block.StartsWith("- run:", StringComparison.Ordinal));
        var step = StepLine().Match(steps).Groups["command"].Value;

        foreach (var example in (string[])["run --pin ops:ci/lint.sh", step, cron, .. examples])
        {
            var line = Localise(example, world.Server);
            var result = await world.Sh("set -eu\n" + line).Result();
            result.Check(result.Status == 0 && Quiet(result.Stderr).Length == 0, "the example to work");
        }

        // One of the examples has removed one of the cached scripts.
        var left = (await world.Run("--list").Result()).Stdout;
        Assert.Contains("ops:ci/lint.sh ", left, StringComparison.Ordinal);
        Assert.DoesNotContain("pt-summary ", left, StringComparison.Ordinal);
        await world.Run("--ps").Succeeds("");
    }

    [Fact]
    public async Task Its_first_quarter_of_an_hour_is_as_it_says()
    {
        await using var world = await Serve();
        world.Server["/hello.sh"] = "#!/bin/sh\necho \"hello, ${1:-world}\"\n";
        var session = Assert.Single(Documents.Blocks(Documents.Readme, "console"));
        var actual = new StringBuilder();
        foreach (var line in session.Split('\n').Where(static line => line.StartsWith("$ ", StringComparison.Ordinal)))
        {
            actual.Append(line).Append('\n');
            if (line.Contains("--logs", StringComparison.Ordinal))
            {
                var logs = world.StateHome + "/run/logs";
                await Eventually.True(() => Directory.GetFiles(logs).Any(static log => new FileInfo(log).Length > 0), "there is a log");
            }

            var shown = (await world.Sh($"{{ {line[2..]}; }} 2>&1").Result()).Stdout;
            shown = shown.Replace(world.Server.Url, "https://example.com", StringComparison.Ordinal);
            actual.Append(Volatile().Replace(shown, "pid PID;$1LOG"));
        }

        Assert.Equal(session.Trim(), actual.ToString().Trim());
    }

    [Fact]
    public async Task The_examples_of_the_manual_work_too()
    {
        await using var world = await Serve();
        await world.Run("--pin", "ops:ci/lint.sh").Result();
        var lines = Documents.Manual[Documents.Manual.IndexOf(".Sh EXAMPLES", StringComparison.Ordinal)..].Split('\n')
            .Where(static line => line.StartsWith(".Dl ", StringComparison.Ordinal)).Select(static line => line[4..]).ToList();
        Assert.InRange(lines.Count, 6, 20);
        foreach (var line in lines)
        {
            var command = CronLine().Match(line) is { Success: true } cron ? cron.Groups["command"].Value : line;
            var result = await world.Sh("set -eu\n" + Localise(command, world.Server)).Result();
            result.Check(result.Status == 0 && Quiet(result.Stderr).Length == 0, "the example to work");
        }
    }

    [Fact]
    public async Task The_digest_of_a_tree_can_be_computed_as_the_manual_says()
    {
        await using var world = await World.Serving();
        var manual = Documents.Manual[Documents.Manual.IndexOf("this computes it:", StringComparison.Ordinal)..];
        var command = manual[manual.IndexOf("find ", StringComparison.Ordinal)..manual.IndexOf(".Ed", StringComparison.Ordinal)]
            .Replace("\\e", "\\", StringComparison.Ordinal);
        world.Server.Archive("/x.tgz", TarGz(
            [.. Tools("one"), ("lib/link", "->common.sh"), ("a name/ü", "odd\n"), ("a-b", ""), ("a/b", ""), ("back\\slash", "")]));
        await world.Run("--fetch", $"{world.Server.Url}/x.tgz//bin/deploy").Succeeds("");
        var tree = Path.GetDirectoryName(Path.GetDirectoryName(world.CachedFile("bin/deploy")))!;
        var digest = (await world.Sh($"cd '{tree}' && {command}").Result()).Stdout.Split(' ')[0];
        await world.Run($"{world.Server.Url}/x.tgz//bin/other#tree={digest}").Succeeds("other\n");
    }

    [Fact]
    public async Task The_run_conf_that_is_shown_is_one()
    {
        using var box = new Sandbox();
        var manual = Documents.Manual;
        var shown = manual[manual.IndexOf("sources:\n", StringComparison.Ordinal)..];
        foreach (var text in Documents.Blocks(Documents.Readme, "yaml")
            .Where(static block => block.Contains("sources:", StringComparison.Ordinal))
            .Append(shown[..shown.IndexOf(".Ed", StringComparison.Ordinal)]))
        {
            var file = box.Put("shown.conf", text, executable: false);
            Assert.Contains("\nops:\t", await Words(file), StringComparison.Ordinal);
        }

        // The file that --init writes is valid as it is, and if every setting that it explains is uncommented.
        var written = box.Work + "/init.conf";
        (await box.Run("--config", written, "--init", "--quiet").Result()).Is(0, "");
        Assert.DoesNotContain("\nops:\t", await Words(written), StringComparison.Ordinal);
        TestFile.Write(written, Commented().Replace(File.ReadAllText(written), "$1$2"));
        Assert.Contains("\nops:\t", await Words(written), StringComparison.Ordinal);

        async Task<string> Words(string file)
        {
            var result = await box.Run("--config", file, "--completion", "words").Result();
            return result.Is(0, result.Stdout).Stdout;
        }
    }

    [Fact]
    public void Its_links_lead_somewhere()
    {
        string[] documents =
            ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "ARCHITECTURE.md", "docs/locks.md", "docs/performance.md",
            "docs/reliability.md", "docs/machines.md", "docs/trees.md", "docs/cache.md", "docs/plans.md", "docs/pins.md"];
        foreach (var document in documents)
        {
            var text = Documents.Read(document);
            foreach (var target in Link().Matches(text).Select(static m => m.Groups[1].Value)
                .Where(static t => !t.Contains("://", StringComparison.Ordinal)))
            {
                var (path, anchor) = (target.Split('#')[0], target.Contains('#', StringComparison.Ordinal) ? target.Split('#')[1] : null);
                var directory = Path.GetDirectoryName(Path.Combine(Suite.Repository, document))!;
                var file = path.Length == 0 ? Path.Combine(Suite.Repository, document) : Path.Combine(directory, path);
                Assert.True(Path.Exists(file), $"{document}: {target}");
                if (anchor is not null)
                {
                    Assert.Contains(anchor, Heading().Matches(File.ReadAllText(file)).Select(static m => Anchor(m.Groups[1].Value)));
                }
            }
        }
    }

    [Fact]
    public void Its_picture_is_the_same_in_light_and_dark_mode()
    {
        var light = XDocument.Parse(Documents.Read("docs/way-light.svg"));
        var dark = XDocument.Parse(Documents.Read("docs/way-dark.svg"));
        Assert.NotEqual(light.ToString(), dark.ToString());
        Assert.Equal(Colour().Replace(light.ToString(), ""), Colour().Replace(dark.ToString(), ""));
    }

    private static async Task<World<ScriptServer>> Serve()
    {
        var world = await World.Serving();
        string[] paths =
        [
            "/pt-summary", "/OWNER/REPO/v2/bin/tool.sh", "/OWNER/REPO/HEAD/setup.sh", "/ci/lint.sh", "/ci/test.sh", "/backup.sh",
            "/upgrade.sh", "/install.sh",
        ];
        foreach (var path in paths)
        {
            world.Server[path] = Script;
        }

        world.Server["/worker.sh"] = "#!/bin/sh\nexec sleep 1000\n";
        world.Sources(
            world.Server, $"github: {world.Server.Url}/%s/%s/{{ref}}/%s", $"ops: {world.Server.Url}/%s",
            $"github-tree: {world.Server.Url}/%s/%s/{{ref}}.tar.gz//%s");

        // With their neighbours.
        world.Server.Archive("/tools-1.2.tar.gz", TarGz([.. Tools("1.2").Select(static file => ($"tools-1.2/{file.Path}", file.Text))]));
        world.Server.Archive("/OWNER/REPO/v2.tar.gz", TarGz(Tools("2")));
        var tools = new GitSource(world);
        tools.Commit(Tools("2"));
        _ = tools.Git("tag", "v2");
        _ = tools.ServeOn(world.Server);

        // Other machines are this one.
        world.Conf(File.ReadAllText(world.ConfFile) + "launchers:\n  fleet: {command: sh -c, quoting: shell}\n");
        world.Put("deploy.sh", Script);
        world.Put("../bin/jq", "#!/bin/sh\ngrep -o '\"url\": \"[^\"]*'\n");
        return world;
    }

    private static string Localise(string text, ScriptServer server) => text
        .Replace("https://example.com", server.Url, StringComparison.Ordinal)
        .Replace("git+ssh://git@example.com/ops", $"git+{server.Url}", StringComparison.Ordinal)
        .Replace("HEX", DigestOf(Script), StringComparison.Ordinal);

    /// <summary>Without the notes of <c>run</c> on what it has written.</summary>
    private static string Quiet(string errors) =>
        string.Concat(errors.Split('\n').Where(static line => !line.StartsWith("run: ", StringComparison.Ordinal)));

    private static string Anchor(string heading) =>
        string.Concat(heading.ToLowerInvariant().Where(static c => char.IsLetterOrDigit(c) || c is ' ' or '-')).Replace(' ', '-');

    [GeneratedRegex(@"^(\w+=\S+ )*run ", RegexOptions.Multiline)]
    private static partial Regex Example();

    [GeneratedRegex(@"^(\S+\s+){5}(?<command>run .*)$", RegexOptions.Multiline)]
    private static partial Regex CronLine();

    [GeneratedRegex(@"^- run: (?<command>run .*)$", RegexOptions.Multiline)]
    private static partial Regex StepLine();

    [GeneratedRegex(@"pid \d+;( its output goes to )\S+")]
    private static partial Regex Volatile();

    [GeneratedRegex(@"(?:\]\(|srcset=""|src="")([^)""\s]+)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"#[0-9a-f]{6}\b")]
    private static partial Regex Colour();

    /// <summary>A line of run.conf that is commented out: a key and a value.</summary>
    [GeneratedRegex(@"^( +)# ( *[\w.-]+:( \S.*)?)$", RegexOptions.Multiline)]
    private static partial Regex Commented();
}
