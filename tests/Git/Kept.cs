using Run.Git;
using Run.Inputs;
using Run.Naming;
using Run.Trees;

namespace Run.Tests.Git;

/// <summary>
/// A repository as run keeps it, driven inside the test runner. These tests start git from it, so they do not run beside others: a process
/// that is forked while another test writes a program would keep that from being executed.
/// </summary>
internal sealed class Kept(Sandbox box, string url, bool mayPrompt = false)
{
    public const string Alone = "alone";

    private int _trees;

    /// <summary>Where it is.</summary>
    public string Directory { get; } =
        System.IO.Directory.CreateDirectory($"{box.Root}/{Path.GetRandomFileName()}").FullName + "/repository";

    public GitCommit Fetch(string reference = "HEAD") => Call(repository => repository.Fetch(reference));

    public bool Has(string commit) => Call(repository => repository.Has(commit));

    /// <summary>Writes the files of a commit.</summary>
    /// <returns>Each file with a letter for its kind and its content or, of a link, its target.</returns>
    public Dictionary<string, string> Write(string commit)
    {
        var directory = System.IO.Directory.CreateDirectory($"{box.Root}/tree-{_trees++}-{Path.GetRandomFileName()}").FullName;
        return Call(repository =>
        {
            using var writer = new TreeWriter(directory, "the repository");
            repository.Write(commit, writer);
            return writer.Finish(unwrap: false).Files.ToDictionary(static file => file.Path, file => file.Kind switch
            {
                TreeFileKind.Link => $"link {new FileInfo($"{directory}/tree/{file.Path}").LinkTarget}",
                TreeFileKind.Executable => $"x {File.ReadAllText($"{directory}/tree/{file.Path}")}",
                _ => $"- {File.ReadAllText($"{directory}/tree/{file.Path}")}",
            });
        });
    }

    /// <summary>Fetches and writes.</summary>
    public Dictionary<string, string> Files(string reference = "HEAD") => Write(Fetch(reference).Commit);

    /// <summary>The fetch, or writing its files, fails with this status; message and hint have these texts.</summary>
    public void Refuses(ExitStatus status, string reference, params string[] texts)
    {
        var failure = Assert.Throws<RunException>(() => Files(reference));
        var said = $"{failure.Message}\n{failure.Hint}";
        Assert.True(failure.Status == status, $"{failure.Status}: {said}");
        foreach (var text in texts)
        {
            Assert.Contains(text, said, StringComparison.Ordinal);
        }

        Assert.Empty(LeftOvers());
    }

    /// <summary>What is left of fetches.</summary>
    public string[] LeftOvers() =>
        System.IO.Directory.Exists(Directory) ? System.IO.Directory.GetFileSystemEntries(Directory, "incoming*") : [];

    private T Call<T>(Func<Repository, T> body) => InProcess.Run(
        box.Variables, () => body(new Repository(Directory, url, UrlText.Redacted(url), new ReadSet(TimeProvider.System), mayPrompt)));
}

/// <inheritdoc cref="Kept"/>
[CollectionDefinition(Kept.Alone, DisableParallelization = true)]
#pragma warning disable CA1711 // xunit's own word for it
public sealed class AloneCollection;
#pragma warning restore CA1711
