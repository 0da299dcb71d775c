using System.Text.Json;

namespace Run.Tests.Infra;

/// <summary>What would be run, according to <c>--dry-run --json</c>.</summary>
internal sealed record WouldRun(string Script, string? Url, string? Path, string? Sha256, string[] Argv)
{
    /// <summary>Runs it with these arguments and reads its answer.</summary>
    public static async Task<WouldRun> Of(Sandbox box, params string[] arguments)
    {
        var result = await box.Run(["--dry-run", "--json", .. arguments]).Result();
        result.Check(result is { Status: 0, Stderr: "" }, "an answer, and nothing on standard error");
        return JsonSerializer.Deserialize<WouldRun>(result.Stdout, JsonSerializerOptions.Web)!;
    }
}
