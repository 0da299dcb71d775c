using System.Text.Json;

namespace Run.Tests.Infra;

/// <summary>What <c>run --dry-run --json</c> says that it would do.</summary>
internal sealed record DryRun(string? Url, string? Path, string? Sha256, string[] Arguments)
{
    public static async Task<DryRun> Of(Sandbox box, params string[] arguments) => Of(await box.Run(["--dry-run", "--json", .. arguments]).Result());

    public static DryRun Of(Result result)
    {
        result.Check(result.Status == 0 && result.Stderr.Length == 0, "status 0 and nothing on standard error");
        var said = JsonDocument.Parse(result.Stdout).RootElement;
        return new DryRun(
            said.GetProperty("url").GetString(),
            said.GetProperty("path").GetString(),
            said.GetProperty("sha256").GetString(),
            [.. said.GetProperty("argv").EnumerateArray().Select(static a => a.GetString()!)]);
    }
}
