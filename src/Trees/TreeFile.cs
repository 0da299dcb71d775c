namespace Run.Trees;

/// <summary>What a file of a tree is: the three that git knows, too.</summary>
internal enum TreeFileKind
{
    Plain,
    Executable,
    Link,
}

/// <summary>A file, or a symbolic link, of a tree.</summary>
/// <param name="Path">Relative, with '/' between the names, none of them empty, <c>.</c> or <c>..</c>; a text of <c>OsText</c>.</param>
/// <param name="Sha256">Of the file's bytes; of a link's target. In lower case.</param>
internal sealed record TreeFile(string Path, TreeFileKind Kind, string Sha256);
