using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary><c>--fetch</c>: gets what is not cached yet, several scripts at a time. Nothing is run.</summary>
internal static class FetchCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var names = context.ScriptsOrPins(invocation);

        // run.conf and run.pins are read here, before there are threads.
        var scripts = names.Select(name => Outcome<ResolvedScript>.Of(() => Resolve(name, context))).ToList();
        var shown = names.Select((typed, i) => scripts[i].Value?.DisplayName ?? UrlText.Shown(typed)).ToList();
        var fetched = Batch.Run(
            scripts, Batch.Fetches, "fetching", one => Fetch(one.Value ?? throw one.Failure!, context, invocation.Update));
        if (invocation.Json)
        {
            Stdout.Write(ToJson(shown, fetched));
        }

        return Batch.Report(fetched, shown) ?? 0;
    }

    private static CachedScript Fetch(ResolvedScript script, RunContext context, bool update) => context.Scripts.Get(
        script, update, Consent.ForFetch(script, context.Paths.State, context.Cache.Root, context.Reads));

    private static ResolvedScript Resolve(string name, RunContext context)
    {
        var script = context.Resolve(RunFileExpansion.Target(name, context));
        if (script.Local is not null)
        {
            throw new RunException(ExitStatus.Usage, $"{script.DisplayName}: local files are not fetched");
        }

        context.RequirePin(script);
        return script;
    }

    private static string ToJson(IReadOnlyList<string> names, IReadOnlyList<Outcome<CachedScript>> fetched) => Json.Array(
        names.Zip(fetched), static (writer, one) =>
        {
            var copy = one.Second.Value;
            writer.WriteString("script", Messages.Printable(copy?.Record.Script ?? one.First));
            writer.WriteString("url", copy is null ? null : Messages.Printable(copy.Record.Url));
            writer.WriteString("path", copy is null ? null : Messages.Printable(copy.Path));
            writer.WriteString("sha256", copy?.Record.Sha256 is { Length: > 0 } digest ? digest : null);
            if (copy?.Record.Tree is { } tree)
            {
                writer.WriteString("tree", tree);
            }

            writer.WriteString("error", one.Second.Failure is { } failure ? Messages.Printable(failure.Message) : null);
        });
}
