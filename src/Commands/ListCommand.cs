using System.Globalization;
using System.IO.Enumeration;
using Run.Caching;
using Run.CommandLine;
using Run.Inputs;
using Run.Naming;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--list</c>: lists the cached scripts, or those of a source that is a directory.</summary>
internal static class ListCommand
{
    private const int ShortDigest = 12;

    public static int Execute(RunContext context, Invocation invocation)
    {
        var pattern = invocation.Operands is [var operand] ? operand : null;
        if (pattern is not null && SourceAndPrefix(pattern) is var (name, prefix))
        {
            var source = context.Configuration.Source(name);
            if (source.IsDirectory)
            {
                DirectoryListing.Require(source, () => XdgPaths.Home(context.Reads));
                Stdout.Write(Scripts(DirectoryListing.Of(source, prefix, () => XdgPaths.Home(context.Reads)), invocation.Json));
                return 0;
            }

            if (source.IsTree && source.InTree(prefix) is { } inTree)
            {
                Stdout.Write(Scripts(InTree(source, inTree, context), invocation.Json));
                return 0;
            }

            Messages.Note(
                $"{name}: this source cannot be listed; these of its scripts are cached",
                !source.IsTree ? null
                    : $"to see what is in one of its {(source.IsRepository ? "repositories" : "archives")}, "
                        + $"run --list {name}:{source.ExpectsBeforePath}");
        }

        // A tree may have been fetched for a file that it does not have.
        var scripts = context.Cache.All().Where(copy => !copy.IsWholeTree && (pattern is null || Fits(copy, pattern))).ToList();
        Stdout.Write(Cached(scripts, context, invocation.Json));
        return 0;
    }

    /// <summary>The files of an archive or a repository, which is fetched if it is not cached. Hidden files are left out.</summary>
    private static List<(string Script, string Path)> InTree(Source source, TreePrefix prefix, RunContext context)
    {
        var tree = Tree(source, prefix, context);
        var found = new List<(string Script, string Path)>();
        foreach (var file in tree.Stamps.Files)
        {
            if (!file.IsLink && file.Path[0] != '.' && !file.Path.Contains("/.", StringComparison.Ordinal)
                && DirectoryListing.Match(file.Path, prefix.Literals) is { } rest && rest.StartsWith(prefix.Path, StringComparison.Ordinal))
            {
                var path = prefix.Head + rest;
                var named = prefix.Tail.Length > 0 ? path + prefix.Tail : source.WithRefIfNeeded(path);
                found.Add(($"{source.Name}:{named}", $"{tree.Root}/{file.Path}"));
            }
        }

        return found;
    }

    private static CachedTree Tree(Source source, TreePrefix prefix, RunContext context)
    {
        var script = context.Named($"{source.Name}:{prefix.Any}");
        try
        {
            return context.Scripts.GetTree(script).Tree!;
        }
        catch (RunException e) when (e.Message.StartsWith($"{script.DisplayName}: ", StringComparison.Ordinal))
        {
            // Nobody has asked for that file.
            throw new RunException(
                e.Status, $"{source.Name}:{prefix.Head}{prefix.Tail}{e.Message[script.DisplayName.Length..]}", e.Hint);
        }
    }

    /// <summary><c>SOURCE:[PREFIX]</c>; null for a text that only filters the cached scripts.</summary>
    private static (string Source, string Prefix)? SourceAndPrefix(string text) =>
        text.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && ScriptName.IsScope(text[..colon]) && !ScriptName.IsUrl(text)
            ? (text[..colon], text[(colon + 1)..])
            : null;

    /// <summary>
    /// Whether the script's name or URL contains the text; with <c>*</c> or <c>?</c>, whether the name matches as in a shell. A pattern
    /// with a source is compared with the name and its source, so that <c>default:</c> finds bare names.
    /// </summary>
    private static bool Fits(CachedScript copy, string pattern)
    {
        if (pattern.AsSpan().IndexOfAny('*', '?') >= 0)
        {
            var name = pattern.Contains(':', StringComparison.Ordinal) ? WithSource(copy.Record.Script) : copy.Record.Script;
            return FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
        }

        return SourceAndPrefix(pattern) is not null
            ? WithSource(copy.Record.Script).StartsWith(pattern, StringComparison.Ordinal)
            : copy.Record.Script.Contains(pattern, StringComparison.Ordinal) || copy.Record.Url.Contains(pattern, StringComparison.Ordinal);
    }

    private static string WithSource(string script) =>
        ScriptName.IsUrl(script) || SourceAndPrefix(script) is not null ? script : $"{ScriptName.DefaultScope}:{script}";

    private static string Scripts(IReadOnlyList<(string Script, string Path)> scripts, bool json) => json
        ? Json.Array(scripts, static (writer, one) =>
        {
            writer.WriteString("script", Messages.Printable(one.Script));
            writer.WriteString("path", Messages.Printable(one.Path));
            writer.WriteString("summary", Messages.Printable(DirectoryListing.Summary(one.Path)));
        })
        : Table.Of(["SCRIPT", "SUMMARY"], scripts.Select(static one => new[] { one.Script, DirectoryListing.Summary(one.Path) }));

    private static string Cached(IReadOnlyList<CachedScript> copies, RunContext context, bool json)
    {
        if (json)
        {
            return Json.Array(copies, static (writer, copy) =>
            {
                writer.WriteString("script", Messages.Printable(copy.Record.Script));
                writer.WriteString("url", Messages.Printable(copy.Record.Url));
                writer.WriteString("path", Messages.Printable(copy.Path));
                writer.WriteString("sha256", copy.Record.Sha256.Length > 0 ? copy.Record.Sha256 : null);
                if (copy.Record.Tree is { } tree)
                {
                    writer.WriteString("tree", tree);
                }

                writer.WriteNumber("size", copy.Record.Size);
                writer.WriteString("fetched", copy.Record.Fetched.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
                writer.WriteString("signer", copy.Record.SignedBy is { } signed ? Messages.Printable(signed.Signer) : null);
            });
        }

        // People need a readable size and only the first digits of a digest; programs need all of them.
        var now = context.Reads.Now;
        var forPeople = Stdout.IsTerminal;
        return Table.Of(
            ["SCRIPT", "SIZE", "AGE", "SHA256", "URL"],
            copies.Select(copy => new[]
            {
                copy.Record.Script,
                forPeople ? HumanFormat.Size(copy.Record.Size) : copy.Record.Size.ToString(CultureInfo.InvariantCulture),
                HumanFormat.Age(now - copy.Record.Fetched),
                Digest(copy.Record, forPeople),
                copy.Record.Url,
            }));
    }

    /// <summary>That of a tree is said to be one, because it is no file's.</summary>
    private static string Digest(CacheRecord record, bool isShort)
    {
        var digest = isShort ? record.Content[..ShortDigest] : record.Content;
        return record.Tree is null ? digest : $"tree:{digest}";
    }
}
