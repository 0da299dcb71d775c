using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>The scripts of a source that is a directory.</summary>
internal static class DirectoryListing
{
    private const int MostFiles = 10_000, MostDepth = 16, MostEntries = 100_000;

    /// <summary>Refuses a source whose directory cannot be listed.</summary>
    /// <exception cref="RunException">126: it cannot be read. 127: there is no such directory.</exception>
    public static void Require(Source source, Func<string?> home)
    {
        var directory = Root(Literals(source, home));
        _ = Files.Names(directory).OrThrow(error => error is Errno.NoEntry or Errno.NotDirectory
            ? new RunException(ExitStatus.NotFound, $"{source.Name}: no such directory: {directory}")
            : new RunException(ExitStatus.CannotStart, $"{source.Name}: {directory}: cannot be read: {error.Describe()}"));
    }

    /// <summary>What SCRIPT would be for each file, in byte order, and the file's path. Hidden files are left out.</summary>
    /// <param name="prefix">What the part of SCRIPT after the source's name begins with.</param>
    public static IReadOnlyList<(string Script, string Path)> Of(Source source, string prefix, Func<string?> home)
    {
        var literals = Literals(source, home);
        var found = new List<(string Script, string Path)>();
        var above = new Stack<FileStatus>();
        var entries = 0;
        Walk(Root(literals), MostDepth);
        return found.OrderBy(static one => one.Script, StringComparer.Ordinal).ToList();

        void Walk(string directory, int depth)
        {
            // A link may lead back to a directory on the way here.
            if (Files.Status(directory).Value is not { } own || above.Any(one => one.IsSameFile(own)))
            {
                return;
            }

            above.Push(own);
            foreach (var name in Files.Names(directory).Value ?? [])
            {
                var path = directory + name;
                if (name[0] == '.' || found.Count == MostFiles || ++entries > MostEntries || Files.Status(path).Value is not { } status)
                {
                    continue;
                }

                if (status.IsDirectory && depth > 0)
                {
                    Walk(path + "/", depth - 1);
                }
                else if (status.IsRegular && Match(path, literals) is { } rest && rest.StartsWith(prefix, StringComparison.Ordinal))
                {
                    found.Add(($"{source.Name}:{source.WithRefIfNeeded(rest)}", path));
                }
            }

            above.Pop();
        }
    }

    /// <summary>What is before, between and behind the parts of the pattern.</summary>
    private static string[] Literals(Source source, Func<string?> home) =>
        source.PathPattern(home).Replace(Source.RefPlace, source.SplitRef("x").Ref, StringComparison.Ordinal).Split(Source.Part);

    /// <summary>The directory below which all scripts of the source are.</summary>
    private static string Root(string[] literals) => literals[0][..(literals[0].LastIndexOf('/') + 1)];

    /// <summary>The parts, joined by slashes, with which the pattern gives the path; null if there are none.</summary>
    /// <param name="literals">What is before, between and behind the parts of the pattern.</param>
    public static string? Match(string path, string[] literals)
    {
        if (!path.StartsWith(literals[0], StringComparison.Ordinal))
        {
            return null;
        }

        var parts = new List<string>();
        var at = literals[0].Length;
        for (var i = 1; i < literals.Length; i++)
        {
            var isLast = i == literals.Length - 1;
            var end = !isLast ? path.IndexOf(literals[i], at, StringComparison.Ordinal)
                : path.EndsWith(literals[i], StringComparison.Ordinal) ? path.Length - literals[i].Length
                : -1;
            if (end <= at || (!isLast && path.AsSpan(at, end - at).Contains('/')))
            {
                return null;
            }

            parts.Add(path[at..end]);
            at = end + literals[i].Length;
        }

        return string.Join('/', parts);
    }

    /// <summary>The first line of prose among the comments that a script begins with; empty if there is none.</summary>
    public static string Summary(string path)
    {
        const int MostBytes = 4096;
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).Value;
        return file is null || Files.Read(file, MostBytes).Value is not { } start || start.AsSpan().Contains((byte)0)
            ? ""
            : OpeningComments.Prose(OsText.FromBytes(start));
    }
}
