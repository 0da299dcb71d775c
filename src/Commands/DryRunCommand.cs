using Run.CommandLine;
using Run.Execution;
using Run.Naming;
using Run.Reporting;


namespace Run.Commands;

/// <summary><c>--dry-run</c>: what would be run, as far as it is known without fetching.</summary>
internal static class DryRunCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = context.Resolve(invocation.Script);
        context.RequirePin(wanted);
        var copy = wanted.Local is null ? context.Scripts.Find(wanted) : null;
        var path = wanted.Local is { } local ? LocalScript.Checked(local, wanted) : copy?.Path;
        var url = wanted.Local is null ? UrlText.Redacted(wanted.Url) : null;
        var digest = copy?.Record.Sha256 ?? wanted.Digest;
        var arguments = Arguments(path, wanted, context, invocation);

        Stdout.Write(invocation.Json ? ToJson(wanted.DisplayName, url, path, digest, arguments) : ToText(url, path, digest, arguments));
        return 0;
    }

    /// <summary>The words of the process. A script that is not there yet stands for itself by its name: its first line is not known.</summary>
    private static string[] Arguments(string? path, ResolvedScript wanted, RunContext context, Invocation invocation) =>
        path is not null
            ? Launch.Of(path, wanted.DisplayName, invocation.Interpreter, name => context.Configuration.InterpreterOf(name)).Arguments(invocation.Arguments)
            : [.. ShellWords.Split(invocation.Interpreter ?? ""), UrlText.FileName(wanted.Url), .. invocation.Arguments];

    private static string ToText(string? url, string? path, string? digest, string[] arguments) =>
        (url is null ? "" : $"url     {url}\n")
        + $"path    {Messages.Printable(path ?? "not cached")}\n"
        + (digest is null ? "" : $"sha256  {digest}\n")
        + $"argv    {Messages.Printable(ShellWords.Join(arguments))}\n";

    private static string ToJson(string script, string? url, string? path, string? digest, string[] arguments) => Json.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("script", Messages.Printable(script));
        writer.WriteString("url", url);
        writer.WriteString("path", path is null ? null : Messages.Printable(path));
        writer.WriteString("sha256", digest);
        writer.WriteStartArray("argv");
        foreach (var argument in arguments)
        {
            writer.WriteStringValue(Messages.Printable(argument));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
