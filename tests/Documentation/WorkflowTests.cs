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
            foreach (var line in File.ReadLines(file).Where(static line => line.Contains("uses:", StringComparison.Ordinal)))
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

    private static YamlNode Parse(string name)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(Documents.Read(name)));
        return Assert.Single(stream.Documents).RootNode;
    }

    [GeneratedRegex(@"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")]
    private static partial Regex Pinned();
}
