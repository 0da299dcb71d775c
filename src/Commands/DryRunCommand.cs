using Run.Acquisition;
using Run.CommandLine;
using Run.Execution;
using Run.Naming;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--dry-run</c>: prints what would be run, as far as that is known without fetching.</summary>
internal static class DryRunCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Resolve(invocation.Script);
        var handedTo = context.Launcher is { HandsPath: false } launcher ? launcher : null;
        if (handedTo is not null)
        {
            HandedCommand.Check(script, handedTo);
        }

        context.RequirePin(script);
        if (handedTo is null)
        {
            // Else it is locked where it runs, and the place is one of that machine's run.conf.
            _ = context.PlaceFor(script);
        }

        var copy = script.Local is null ? context.Scripts.Find(script)?.At(script) : null;
        var path = script.Local is { } local ? LocalScript.Checked(local, script) : copy?.Path;
        var url = script.Local is null ? UrlText.Redacted(script.Url) : null;
        var digest = copy?.Record.Sha256 is { Length: > 0 } cached ? cached : script.Digest;
        var tree = copy?.Record.Tree ?? script.TreeDigest;
        var arguments = Arguments(path, script, context, invocation);

        Stdout.Write(invocation.Json ? ToJson(script, url, path, digest, tree, arguments) : ToText(url, path, digest, tree, arguments));
        return 0;
    }

    /// <summary>
    /// The argv of the process, or of the launcher that it becomes. For a script that is not cached it has only the file name, because the
    /// first line is unknown.
    /// </summary>
    private static string[] Arguments(string? path, ResolvedScript script, RunContext context, Invocation invocation)
    {
        var launcher = context.Launcher;
        if (launcher is { HandsPath: false })
        {
            var handed = HandedScript.Known(script, context.Cache, context.Scripts);
            return new HandedCommand(context, invocation, launcher, script, handed).ShownArgv;
        }

        if (path is not null)
        {
            var launch = Launch.Of(
                path, script.DisplayName, invocation.Interpreter, name => context.Configuration.InterpreterOf(name), context.Reads);
            return (launch with { Launcher = launcher }).Arguments(invocation.Arguments);
        }

        var name = script.FileName;
        string[] words = [.. ShellWords.Split(invocation.Interpreter ?? ""), name, .. invocation.Arguments];
        return launcher?.Argv(name, words) ?? words;
    }

    private static string ToText(string? url, string? path, string? digest, string? tree, string[] arguments) =>
        (url is null ? "" : $"url     {url}\n")
        + $"path    {Messages.Printable(path ?? "not cached")}\n"
        + (digest is null ? "" : $"sha256  {digest}\n")
        + (tree is null ? "" : $"tree    {tree}\n")
        + $"argv    {Messages.Printable(ShellWords.Join(arguments))}\n";

    private static string ToJson(
        ResolvedScript script, string? url, string? path, string? digest, string? tree, string[] arguments) => Json.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("script", Messages.Printable(script.DisplayName));
        writer.WriteString("url", url);
        writer.WriteString("path", path is null ? null : Messages.Printable(path));
        writer.WriteString("sha256", digest);
        if (script.Tree is not null)
        {
            writer.WriteString("tree", tree);
        }

        writer.WriteStartArray("argv");
        foreach (var argument in arguments)
        {
            writer.WriteStringValue(Messages.Printable(argument));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
