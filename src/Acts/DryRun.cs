using Run.CommandLine;
using Run.Starting;

namespace Run.Acts;

/// <summary><c>--dry-run</c>: what would be run, as far as it is known without fetching.</summary>
internal static class DryRun
{
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        surroundings.RequirePin(wanted);
        var copy = wanted.Local is null ? Copies.Find(wanted, surroundings.Cache) : null;
        var path = wanted.Local is { } local ? LocalFile.Checked(local, wanted) : copy?.Path;
        var url = wanted.Local is null ? UrlText.Shown(wanted.Url) : null;
        var digest = copy?.Record.Sha256 ?? wanted.Digest;
        var arguments = Arguments(path, wanted, surroundings, invocation);

        Output.Write(invocation.Json ? ToJson(wanted.Shown, url, path, digest, arguments) : ToText(url, path, digest, arguments));
        return 0;
    }

    /// <summary>The words of the process. A script that is not there yet stands for itself by its name: its first line is not known.</summary>
    private static string[] Arguments(string? path, Wanted wanted, Surroundings surroundings, Invocation invocation) =>
        path is not null
            ? Launch.Of(path, wanted.Shown, invocation.Interpreter, surroundings.Configuration).Arguments(invocation.Arguments)
            : [.. Words.Split(invocation.Interpreter ?? ""), UrlText.FileName(wanted.Url), .. invocation.Arguments];

    private static string ToText(string? url, string? path, string? digest, string[] arguments) =>
        (url is null ? "" : $"url     {url}\n")
        + $"path    {Voice.Printable(path ?? "not cached")}\n"
        + (digest is null ? "" : $"sha256  {digest}\n")
        + $"argv    {Voice.Printable(Words.Join(arguments))}\n";

    private static string ToJson(string script, string? url, string? path, string? digest, string[] arguments) => Json.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("script", Voice.Printable(script));
        writer.WriteString("url", url);
        writer.WriteString("path", path is null ? null : Voice.Printable(path));
        writer.WriteString("sha256", digest);
        writer.WriteStartArray("argv");
        foreach (var argument in arguments)
        {
            writer.WriteStringValue(Voice.Printable(argument));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
