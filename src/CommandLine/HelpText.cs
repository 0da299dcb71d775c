using System.Text;

namespace Run.CommandLine;

/// <summary>The output of <c>--help</c>, generated from the table of options. It must fit in 80 columns and 40 lines.</summary>
internal static class HelpText
{
    private const int NameWidth = 29;

    public static string Make()
    {
        var text = new StringBuilder("""
            Usage: run [OPTION]... SCRIPT [ARG]...
            Fetches a script by name, caches it, and becomes it. Details: man run
            SCRIPT: NAME, SOURCE:PATH[@REF], URL, ARCHIVE-URL//PATH, git+URL//PATH, ./FILE

            """);
        foreach (var group in (ReadOnlySpan<OptionGroup>)[OptionGroup.Bytes, OptionGroup.Running, OptionGroup.Looking, OptionGroup.General])
        {
            text.Append(Title(group)).Append('\n');
            foreach (var entry in Options.All.Where(entry => entry.Group == group))
            {
                text.Append(Names(entry).PadRight(NameWidth)).Append(' ').Append(entry.Option.Description).Append('\n');
            }
        }

        return text.Append("""
            Examples: run pt-summary           run -u github:OWNER/REPO/bin/tool@v2 --flag
                      run --wait=60 ./x.sh     run https://host/x.py#sha256=HEX
            """).Append('\n').ToString();
    }

    private static string Title(OptionGroup group) => group switch
    {
        OptionGroup.Bytes => "What to run:",
        OptionGroup.Running => "How to run it:",
        OptionGroup.Looking => "Inspect and clean up:",
        _ => "Other:",
    };

    private static string Names(OptionEntry entry)
    {
        var value = entry switch
        {
            { ValueName: null } => "",
            { NeedsValue: true } => $" {entry.ValueName}",
            _ => $"[={entry.ValueName}]",
        };
        return $"  {(entry.Short is { } letter ? $"{letter}, " : "    ")}{entry.Long}{value}";
    }
}
