using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Run.Tests.Documentation;

/// <summary>The workflows cannot run here, so this checks what it can: valid YAML, pinned actions, time limits, few permissions.</summary>
public sealed partial class WorkflowTests
{
    public static TheoryData<string> Workflows =>
        new(Directory.EnumerateFiles(Path.Combine(Suite.Repository, ".github/workflows"), "*.yml")
            .Select(static file => Path.GetFileName(file)).Order());

    [Theory, MemberData(nameof(Workflows))]
    public void A_workflow_has_few_rights_and_little_time(string name)
    {
        var workflow = Parse($".github/workflows/{name}");
        Assert.Empty(((YamlMappingNode)workflow["permissions"]).Children);
        foreach (var job in ((YamlMappingNode)workflow["jobs"]).Children.Values)
        {
            Assert.InRange(int.Parse(job["timeout-minutes"].ToString(), null), 1, 60);
            Assert.NotEmpty(((YamlMappingNode)job["permissions"]).Children);
        }
    }

    [Fact]
    public void Every_action_is_pinned_to_a_commit_and_says_to_which_version()
    {
        var used = 0;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Suite.Repository, ".github"), "*.yml", SearchOption.AllDirectories))
        {
            foreach (var line in File.ReadLines(file).Where(static line => line.Contains(" uses:", StringComparison.Ordinal)))
            {
                used++;
                Assert.Matches(Pinned(), line);
            }
        }

        Assert.NotEqual(0, used);
    }

    [Fact]
    public void The_setup_action_is_a_composite_action()
    {
        var action = Parse(".github/actions/setup-run/action.yml");
        Assert.Equal("composite", action["runs"]["using"].ToString());
        Assert.Equal("true", action["inputs"]["version"]["required"].ToString());
        foreach (var step in ((YamlSequenceNode)action["runs"]["steps"]).Children.Cast<YamlMappingNode>()
            .Where(static s => s.Children.ContainsKey("run")))
        {
            // Values reach the script only through its environment. Pasted into it, they would be code.
            Assert.Equal("sh", step["shell"].ToString());
            Assert.DoesNotContain("${{", step["run"].ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_rehearsal_publishes_nothing_and_a_tag_is_checked_first()
    {
        var workflow = Parse(".github/workflows/release.yml");
        Assert.True(((YamlMappingNode)workflow["on"]).Children.ContainsKey("workflow_dispatch"));
        var jobs = (YamlMappingNode)workflow["jobs"];
        Assert.False(((YamlMappingNode)jobs["notes"]).Children.ContainsKey("needs"));
        Assert.Contains("scripts/release-notes", Text(jobs["notes"]), StringComparison.Ordinal);
        Assert.Equal("notes", jobs["package"]["needs"].ToString());
        Assert.Equal("package", jobs["release"]["needs"].ToString());

        // Only the last job may write anything; of its steps, those that do are for a tag that was pushed.
        foreach (var name in (string[])["notes", "package"])
        {
            var right = Assert.Single(((YamlMappingNode)jobs[name]["permissions"]).Children);
            Assert.Equal("contents: read", $"{right.Key}: {right.Value}");
        }

        var steps = (YamlSequenceNode)jobs["release"]["steps"];
        var publishing = steps.Children.Where(static step => Publishing().IsMatch(Text(step))).ToList();
        Assert.All(publishing, static step => Assert.Equal("github.event_name == 'push'", step["if"].ToString()));

        // Provenance, the page, and a bill of materials for each platform.
        var platforms = ((YamlSequenceNode)jobs["package"]["strategy"]["matrix"]["include"]).Children
            .Select(static entry => entry["platform"].ToString()).ToList();
        Assert.Equal(2 + platforms.Count, publishing.Count);
        foreach (var platform in platforms)
        {
            var path = $"sbom-path: ${{{{ steps.of.outputs.{platform} }}}}.cdx.json";
            Assert.Contains(publishing, step => Text(step).Contains(path, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Releases_are_built_in_images_that_cannot_change_and_with_the_SDK_of_global_json()
    {
        var sdk = SdkVersion().Match(Documents.Read("global.json")).Groups[1].Value;
        Assert.Contains("\"rollForward\": \"disable\"", Documents.Read("global.json"), StringComparison.Ordinal);
        (string, string)[] images = [("glibc", "buildpack-deps:bullseye"), ("musl", $"/dotnet/sdk:{Regex.Escape(sdk)}-alpine[0-9.]+")];
        foreach (var (libc, tag) in images)
        {
            Assert.Matches($@"(?m)^FROM [a-z./]*{tag}@sha256:[0-9a-f]{{64}}$", Documents.Read($"packaging/{libc}/Dockerfile"));
        }
    }

    [Fact]
    public void What_is_pinned_is_kept_up_to_date()
    {
        var updates = ((YamlSequenceNode)Parse(".github/dependabot.yml")["updates"]).Children
            .Select(static update => update["package-ecosystem"].ToString());
        Assert.Equal(["docker", "dotnet-sdk", "github-actions", "nuget"], updates.Order(StringComparer.Ordinal));
    }

    /// <summary>A part of a workflow, one scalar a line.</summary>
    private static string Text(YamlNode node) => node switch
    {
        YamlMappingNode map => string.Concat(map.Children.Select(static pair => $"{pair.Key}: {Text(pair.Value)}\n")),
        YamlSequenceNode list => string.Concat(list.Children.Select(static item => Text(item) + "\n")),
        _ => node.ToString(),
    };

    private static YamlNode Parse(string name)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(Documents.Read(name)));
        return Assert.Single(stream.Documents).RootNode;
    }

    [GeneratedRegex(@"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")]
    private static partial Regex Pinned();

    [GeneratedRegex("actions/attest|gh release")]
    private static partial Regex Publishing();

    [GeneratedRegex("\"version\": \"([0-9.]+)\"")]
    private static partial Regex SdkVersion();
}
