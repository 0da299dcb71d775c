using Run.Inputs;
using Run.Trees;
namespace Run.Git;
internal sealed record GitCommit(string Commit, string? Tag);
internal sealed class Repository(string directory, string url, string shown, ReadSet reads, bool mayPrompt)
{
    public string X => directory + url + shown + reads + mayPrompt;
    public GitCommit Fetch(string reference) => new(reference, X);
    public bool Has(string commit) => commit == X;
    public void Write(string commit, TreeWriter writer) => writer.AddDirectory(commit + X);
}
