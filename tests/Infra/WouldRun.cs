using System.Text.Json;

namespace Run.Tests.Infra;

/// <summary>What <c>--dry-run --json</c> says would be run.</summary>
internal sealed record WouldRun(string Script, string? Url, string? Path, string? Sha256, string[] Argv)
{
    /// <summary>Asks for it.</summary>
    public static async Task<WouldRun> Of(Sandbox box, params string[] arguments)
    {
        var result = await box.Run(["--dry-run", "--json", .. arguments]).Result();
        result.Check(result is { Status: 0, Stderr: "" }, "an answer, and nothing on standard error");
        return JsonSerializer.Deserialize<WouldRun>(result.Stdout, JsonSerializerOptions.Web)!;
    }
}
