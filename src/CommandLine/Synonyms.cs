namespace Run.CommandLine;

/// <summary>What other programs call the things that options do, for hints.</summary>
internal static class Synonyms
{
    /// <summary>The option that does what <paramref name="name"/>, with its dashes, does elsewhere; null if there is none.</summary>
    public static string? Of(string name) => name switch
    {
        "--ls" => "--list",
        "--kill" => "--stop",
        "--rm" or "--remove" or "--delete" => "--clean",
        "--cat" or "--show" => "--view",
        "--background" or "--bg" => "--detach",
        "--timeout" => "--wait",
        "--upgrade" or "--refresh" => "--update",
        _ => null,
    };
}
