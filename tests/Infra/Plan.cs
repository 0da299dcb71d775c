using System.Text.Json;

namespace Run.Tests.Infra;

/// <summary>What <c>--dry-run --json</c> says would be run.</summary>
internal sealed record Plan(string Script, string? Url, string? Path, string? Sha256, string[] Argv)
{
    /// <summary>Asks for the plan of this command line.</summary>
    public static async Task<Plan> Of(Sandbox box, params string[] arguments)
    {
        var result = await box.Run(["--dry-run", "--json", .. arguments]).Result();
        result.Check(result is { Status: 0, Stderr: "" }, "a plan, and nothing on standard error");
        return JsonSerializer.Deserialize<Plan>(result.Stdout, JsonSerializerOptions.Web)!;
    }
}
