using Run.Caching;
using Run.CommandLine;
using Run.CommandLine.Completion;
using Run.Execution;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--completion</c>: the completion script for a shell, and the words that it requests at each completion.</summary>
internal static class CompletionCommand
{
    /// <summary>Given instead of a shell: print the words that SCRIPT can be. Completions for other shells can use it too.</summary>
    private const string Words = "words";

    /// <summary>Likewise: print the scripts that run now.</summary>
    private const string Running = "running";

    /// <summary>Likewise: print the scripts that have a log.</summary>
    private const string Logged = "logged";

    /// <summary>Likewise: print the launchers of run.conf.</summary>
    private const string Launchers = "launchers";

    /// <summary>Likewise: print the places for locks that several machines share.</summary>
    private const string Places = "places";

    public static int Execute(RunContext context, Invocation invocation)
    {
        var shell = invocation.Shell!;
        if (shell == Words)
        {
            Print(Scripts(context));
            return 0;
        }

        if (shell == Running)
        {
            Print(RunningScript.All(context.Paths.State).Where(static one => one.Script is not null).DistinctBy(static one => one.Script)
                .Select(static one => new Candidate(one.Script!, one.Holder.Name)));
            return 0;
        }

        if (shell == Logged)
        {
            Print(WithLog(context));
            return 0;
        }

        if (shell == Launchers)
        {
            Print(context.Configuration.Launchers()
                .Select(static one => new Candidate(one.Name, Messages.Printable(ShellWords.Join(one.Command)))));
            return 0;
        }

        if (shell == Places)
        {
            Print(context.Configuration.Places().Select(static name => new Candidate($"{name}:", "locks of several machines")));
            return 0;
        }

        if (!CompletionScript.Shells.Contains(shell))
        {
            var nearest = Suggestion.For(shell, CompletionScript.Shells);
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Shown(shell)}: no completion for this shell",
                nearest is null ? $"supported shells: {string.Join(", ", CompletionScript.Shells)}" : $"did you mean {nearest}?");
        }

        Stdout.Write(CompletionScript.For(shell));
        return 0;
    }

    /// <summary>The sources, with what they expect, and the cached scripts.</summary>
    private static IEnumerable<Candidate> Scripts(RunContext context)
    {
        var now = context.Reads.Now;
        var sources = context.Configuration.Sources().Where(static s => s.Name != ScriptName.DefaultScope);
        var cached = context.Cache.All().SelectMany(c => Siblings(c, context).Select(
            script => new Candidate(script, $"cached {HumanFormat.Age(now - c.Record.Fetched)} ago"))).DistinctBy(static one => one.Word);
        return sources.Select(static s => new Candidate($"{s.Name}:", s.Expects))
            .Concat(Listed(context))
            .Concat(cached);
    }

    /// <summary>The cached script; if it is one file of many, the other executable ones too.</summary>
    private static IEnumerable<string> Siblings(CachedScript copy, RunContext context)
    {
        const int Most = 500;
        var script = copy.Record.Script;
        if (copy.Tree is not { } tree || TreeUrl.Parse(copy.Record.Url) is not { } url)
        {
            return [script];
        }

        // SCRIPT ends in the path, or in the part of it that the source's pattern does not have, and in the ref.
        var hasRef = url.IsRepository && script.EndsWith("@" + url.Ref, StringComparison.Ordinal);
        var end = hasRef ? script.Length - url.Ref!.Length - 1 : script.Length;
        var named = script[..end];
        var fixedPart = 0;
        while (!named.EndsWith("/" + url.Path[fixedPart..], StringComparison.Ordinal)
            && !named.EndsWith(":" + url.Path[fixedPart..], StringComparison.Ordinal))
        {
            var slash = url.Path.IndexOf('/', fixedPart);
            if (slash < 0)
            {
                return [script];
            }

            fixedPart = slash + 1;
        }

        var head = named[..^(url.Path.Length - fixedPart)];
        return tree.Stamps.Files
            .Where(file => !file.IsLink && file.Path.StartsWith(url.Path[..fixedPart], StringComparison.Ordinal)
                && (file.Path == url.Path || Files.Status($"{tree.Root}/{file.Path}").Value is { IsExecutable: true }))
            .Take(Most).Select(file => hasRef
                ? $"{head}{file.Path[fixedPart..]}{script[end..]}"
                : WithRefIfNeeded(head, file.Path[fixedPart..], url, context));
    }

    /// <summary>SCRIPT for a file, with the ref if its path has an <c>@</c>, which would begin one.</summary>
    private static string WithRefIfNeeded(string head, string path, TreeUrl url, RunContext context)
    {
        var script = head + path;
        if (!path.Contains('@', StringComparison.Ordinal))
        {
            return script;
        }

        if (url.IsRepository)
        {
            return $"{script}@{url.Ref}";
        }

        var colon = head.IndexOf(':', StringComparison.Ordinal);
        var scope = ScriptName.IsUrl(head) ? null : colon < 0 ? ScriptName.DefaultScope : head[..colon];
        var source = context.Configuration.Sources().FirstOrDefault(one => one.Name == scope);
        return source is null ? script : $"{head[..(colon + 1)]}{source.WithRefIfNeeded(script[(colon + 1)..])}";
    }

    /// <summary>The scripts of sources that are directories.</summary>
    private static IEnumerable<Candidate> Listed(RunContext context) => context.Configuration.Sources()
        .Where(static source => source.IsDirectory)
        .SelectMany(source => DirectoryListing.Of(source, "", () => XdgPaths.Home(context.Reads)))
        .Select(static one => new Candidate(one.Script, DirectoryListing.Summary(one.Path)));

    /// <summary>A log has the beginning of the script's key in its name, and the lock file of that key knows the script.</summary>
    private static IEnumerable<Candidate> WithLog(RunContext context)
    {
        var locks = LockUse.All(context.Paths.State);
        foreach (var name in Files.Names($"{context.Paths.State}/{Detach.LogsName}").Value ?? [])
        {
            if (Detach.KeyOfLog(name) is { } key && Files.LinkStatus($"{context.Paths.State}/{Detach.LogsName}/{name}").Value is { } log
                && locks.FirstOrDefault(one => one.IsOf(key))?.Record is { } record)
            {
                var age = context.Reads.Now - DateTimeOffset.FromUnixTimeMilliseconds(log.Modified / 1_000_000);
                yield return new Candidate(record.Script, $"written {HumanFormat.Age(age)} ago");
            }
        }
    }

    /// <summary>One a line, without those that cannot be typed.</summary>
    private static void Print(IEnumerable<Candidate> candidates) => Stdout.Write(string.Concat(
        candidates.Where(static one => Messages.Printable(one.Word) == one.Word).Select(static one => $"{one.Word}\t{one.Meaning}\n")));

    private sealed record Candidate(string Word, string Meaning);
}
