using System.Text;
using Run.Naming;
using Run.Posix;

namespace Run.Trees;

/// <summary>Paths of files in a tree, and what is wrong with those that cannot be one.</summary>
internal static class TreePath
{
    /// <summary>As in the kernel: PATH_MAX without the NUL, and NAME_MAX.</summary>
    public const int MaxBytes = 4095, MaxNameBytes = 255;

    public const int MaxDepth = 200;

    /// <summary>Whether it has the form that a listing may hold: relative, and each name one that a directory can have.</summary>
    public static bool IsPlain(string path)
    {
        var names = path.Split('/');
        return names.Length <= MaxDepth && Length(path) <= MaxBytes && !CharChecks.HasControl(path)
            && Array.TrueForAll(names, static name => name is not ("" or "." or "..") && Length(name) <= MaxNameBytes);
    }

    /// <summary>
    /// The names in a path of an archive, without those that mean nothing: a <c>./</c> at its beginning, slashes at its end or in a row.
    /// </summary>
    /// <param name="flaw">What is wrong with it, to follow "holds"; null if nothing is.</param>
    /// <returns>Empty if the path is that of the tree itself.</returns>
    public static string[] Names(string path, out string? flaw)
    {
        flaw = path is "" ? "an entry without a name"
            : path[0] == '/' ? "an absolute path"
            : CharChecks.HasControl(path) ? "a name with a control character"
            : Length(path) > MaxBytes ? "a path that is too long"
            : null;
        if (flaw is not null)
        {
            return [];
        }

        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var first = 0;
        while (first < names.Length && names[first] == ".")
        {
            first++;
        }

        names = names[first..];
        foreach (var name in names)
        {
            flaw ??= name == ".." ? "a path that leads out of it"
                : name == "." ? "a path with a dot segment"
                : Length(name) > MaxNameBytes ? "a name that is too long"
                : IsGitDirectory(name) ? "a file that git would take for its own"
                : null;
        }

        flaw ??= names.Length > MaxDepth ? $"a path of more than {MaxDepth} directories" : null;
        return names;
    }

    /// <summary>
    /// Whether git, here or on another system, would take a directory of that name for a repository, and obey the configuration in it: it
    /// can name programs, which even a prompt that shows the branch starts. git itself refuses to check out the same names.
    /// </summary>
    public static bool IsGitDirectory(string name)
    {
        if (!name.Contains("git", StringComparison.OrdinalIgnoreCase) && Ascii.IsValid(name))
        {
            return false;
        }

        var plain = string.Concat(name.Where(static c =>
            c is not ((>= '\u200c' and <= '\u200f') or (>= '\u202a' and <= '\u202e') or (>= '\u206a' and <= '\u206f') or '\ufeff')));
        plain = plain.Split(':', '\\')[0].TrimEnd(' ', '.');
        return plain.Equals(".git", StringComparison.OrdinalIgnoreCase) || plain.Equals("git~1", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The length in bytes.</summary>
    public static int Length(string path) => Ascii.IsValid(path) ? path.Length : OsText.ToBytes(path).Length;
}
