using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Http;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Git;

/// <summary>
/// A bare repository in the cache, with the commits that were asked for and nothing else: no history, no branches, no tags.
/// </summary>
/// <remarks>
/// git never writes into it. A fetch is into a repository of its own below it, <c>incoming-…</c>, made from nothing and thrown away.
/// Until then it is locked, so that it can be told from those of killed runs. Fetches of several refs do not wait for each other.
/// What arrived whole is renamed from there, and then the commit is noted in <c>commits</c>; both are flushed, except the first ones. So
/// no kill and no lost power supply can leave a lock file or half a pack where a later fetch stumbles over it. Each has a name of its own,
/// so that a git that outlives its run finds nothing to write into.
/// </remarks>
internal sealed class Repository
{
    private const string Incoming = TreeCache.IncomingPrefix, Commits = TreeCache.CommitsName, Packs = "objects/pack";
    private const int MaxTags = 10; // a tag of a tag of …
    private const int MaxSmallFile = 64 << 10;
    private const int LongestName = 32;

    private readonly string _directory;
    private readonly string _url;
    private readonly string _typed;
    private readonly string _shown;
    private readonly ReadSet _reads;
    private readonly bool _mayPrompt;
    private readonly Credential? _credential;
    private string _incoming = Incoming;
    private string _rewritten = "";
    private SafeFileHandle? _incomingLock;

    /// <param name="directory">Absolute: where it is, or will be. Its parent exists and is private.</param>
    /// <param name="url">https, http, ssh or file.</param>
    /// <param name="shown">The URL for messages.</param>
    /// <param name="mayPrompt">Whether git and ssh may ask for passwords.</param>
    /// <exception cref="RunException">64: git cannot be given that URL.</exception>
    public Repository(string directory, string url, string shown, ReadSet reads, bool mayPrompt)
    {
        (_directory, _typed, _shown, _reads, _mayPrompt) = (directory, url, shown, reads, mayPrompt);

        var scheme = url.IndexOf("://", StringComparison.Ordinal) is > 0 and var end ? url[..end] : "";
        if (scheme is not ("https" or "http" or "ssh" or "file"))
        {
            throw new RunException(ExitStatus.Usage, $"{shown}: a repository's URL begins with https, ssh or file");
        }

        var authority = UrlText.Authority(url)[(scheme.Length + 3)..];
        var host = authority[(authority.LastIndexOf('@') + 1)..];
        if (CharChecks.HasControl(url) || (scheme == "file" ? host.Length > 0 : host is "" or ['-' or ':', ..]) || authority is ['-', ..])
        {
            throw new RunException(ExitStatus.Usage, $"{shown}: not the URL of a repository");
        }

        // ssh takes no password from a URL, and git needs the user name in it. Over http both are kept off command lines.
        _credential = scheme is "https" or "http" ? Credential.Of(url, shown) : null;
        _url = _credential is null ? url : UrlText.WithoutUser(url);
    }

    /// <summary>Fetches one commit, whole, without its history.</summary>
    /// <param name="reference">
    /// A branch, a tag, HEAD, all of a ref's name, or all digits of a commit. Where a tag and a branch have the same name it is the tag, as
    /// everywhere in git (gitrevisions(7)).
    /// </param>
    /// <param name="plainHttp">Whether http may be used to other hosts than this one.</param>
    /// <param name="turn">In the end this process is the one that changes the repository.</param>
    /// <exception cref="RunException">
    /// 64: it is no ref. 65: it is no commit, or too large. 69: git is not installed, or the server failed. 73: it cannot be written.
    /// 77: access denied, or plain http, or a protocol that is not allowed. 127: no such ref, or no such repository.
    /// </exception>
    public GitCommit Fetch(string reference, bool plainHttp = false, FetchTurn? turn = null)
    {
        _ = RefName.Checked(reference, _shown);
        var git = GitProgram.Find(_reads, _shown, _mayPrompt, _credential);
        using var deferral = Signals.DeferInterrupts();
        try
        {
            return Fetch(git, reference, plainHttp, turn ?? FetchTurn.Alone);
        }
        finally
        {
            RemoveIncoming();
        }
    }

    /// <summary>Whether the commit was fetched.</summary>
    public bool Has(string commit) =>
        RefName.IsCommit(commit) && ReadSmall(Place($"{Commits}/{commit}")) is { } noted && noted == $"{commit}\n";

    /// <summary>A commit or a tag that was fetched, as git stores it; null if it is not there, or is larger.</summary>
    /// <exception cref="RunException">69: git is not installed.</exception>
    public byte[]? Object(string name, int mostBytes)
    {
        if (!RefName.IsCommit(name))
        {
            return null;
        }

        var git = GitProgram.Find(_reads, _shown, mayPrompt: true, _credential);
        using var objects = new ObjectReader(git, _directory);
        if (!objects.Ask(name) || objects.Next() is not var (found, _, size) || found != name || size > mostBytes)
        {
            return null;
        }

        var bytes = new byte[size];
        for (var at = 0; at < bytes.Length;)
        {
            var length = objects.Read(bytes.AsSpan(at));
            if (length <= 0)
            {
                return null;
            }

            at += length;
        }

        return bytes;
    }

    /// <summary>Writes all files of a commit that was fetched, as they are in the repository. Submodules are left out.</summary>
    /// <exception cref="RunException">
    /// 65: something in it is refused; or the repository is damaged, and then it is removed, so that it will be fetched again. 69: git is
    /// not installed. 73: something cannot be written.
    /// </exception>
    public void Write(string commit, TreeWriter writer)
    {
        var git = GitProgram.Find(_reads, _shown, mayPrompt: true, _credential);
        try
        {
            using var objects = new ObjectReader(git, _directory);
            new CommitTree(objects, commit, _shown).Write(writer);
        }
        catch (DamagedRepositoryException)
        {
            Remove();
            throw new RunException(
                ExitStatus.Data, $"{_shown}: the repository in the cache was damaged, and has been removed",
                "run it again to fetch it again");
        }
    }

    private GitCommit Fetch(GitProgram program, string reference, bool plainHttp, FetchTurn turn)
    {
        var (isSha256, changed) = (RefName.IsSha256(reference) || IsSha256, false);
        GitProgram git;
        while (true)
        {
            turn.Take();
            var hadCommits = Prepare(isSha256);
            turn.Release();
            git = Allowed(program, plainHttp);
            var run = RunFetch(git, reference, turn);
            if (run is { End: null, Status: 0 })
            {
                break;
            }

            var failure = new GitFailure(run.Lines, [_typed, _rewritten], _shown);
            if (!changed && run.End is null && (failure.IsOtherHash || (failure.IsDamage && hadCommits)))
            {
                // What is there is of a repository that no longer is, or is damaged.
                (changed, isSha256) = (true, isSha256 ^ failure.IsOtherHash);
                turn.Take();
                Remove();
                continue;
            }

            throw run.End switch
            {
                GitEnd.TooMuch => new RunException(ExitStatus.Data, $"{_shown}: more than {GitLimits.Pack >> 20} MiB packed"),
                GitEnd.Stalled => new RunException(ExitStatus.Unavailable, $"{_shown}: the server does not answer"),
                GitEnd.Interrupted => new RunException(ExitStatus.Interrupted, $"{_shown}: interrupted"),
                _ => failure.IsMissingRef ? MissingRef(git, reference) : failure.ToException(),
            };
        }

        // What follows others must be there after a power failure too, when they are given up for it. The first is just fetched again.
        var found = Fetched(git, reference);
        turn.Take();
        var flush = KnownCommits().Count > 0;
        Adopt(flush);
        Note(found.Commit, flush);
        return found;
    }

    /// <summary>git, with what it may use for the URL that the user's configuration makes of this one.</summary>
    private GitProgram Allowed(GitProgram git, bool plainHttp)
    {
        _rewritten = RewrittenUrl.Of(_url, git, Place(_incoming));
        return git.Allowing(
            Protocols(_rewritten, plainHttp),
            withCredential: _rewritten.StartsWith($"{UrlText.Authority(_url)}/", StringComparison.Ordinal));
    }

    /// <summary>The protocol of the URL that git uses; from http, a redirect may lead to https as well.</summary>
    /// <exception cref="RunException">77: it is not allowed.</exception>
    private string[] Protocols(string rewritten, bool plainHttp)
    {
        var protocol = RewrittenUrl.Protocol(rewritten);
        switch (protocol)
        {
            case "https" or "ssh" or "file":
                return [protocol];
            case "http" when Uri.TryCreate(rewritten, UriKind.Absolute, out var url):
                if (!plainHttp)
                {
                    PlainHttp.Check(url, new Proxies(), Digest.TreeFragment);
                }

                return [protocol, "https"];
            default:
                throw new RunException(
                    ExitStatus.Refused, $"{_shown}: insteadOf leads to the protocol {Messages.Printable(protocol)}, which is not allowed",
                    "see git config --show-origin --get-regexp 'url\\..*'; https, ssh, file and, on this machine, http are allowed");
        }
    }

    private GitRun RunFetch(GitProgram git, string reference, FetchTurn turn)
    {
        // The plus keeps git from reading "tag" as an option of its own. It allows nothing, because the ref is not stored.
        string[] arguments =
            ["fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-auto-gc", "--depth=1", "--", _url, $"+{reference}"];
        var name = _shown[(_shown.TrimEnd('/').LastIndexOf('/') + 1)..];
        name = name.Length > LongestName ? name[..LongestName] : name;
        return GitRun.Run(
            git, Place(_incoming), arguments, null, IncomingSize, GitLimits.Pack, GitLimits.Whole, name, turn.Progressed);
    }

    /// <summary>What is in <c>FETCH_HEAD</c>: an object's name, and what it is the name of.</summary>
    private GitCommit Fetched(GitProgram git, string reference)
    {
        var line = ReadSmall(Place($"{_incoming}/FETCH_HEAD"))?.Split('\n')[0];
        if (line?.Split('\t') is not [var name, _, var note] || !RefName.IsCommit(name))
        {
            throw new RunException(ExitStatus.Unavailable, $"{_shown}: git fetched nothing");
        }

        // A branch is always a commit. If a server says otherwise, there is no tree to write.
        if (reference == "HEAD" || note.StartsWith("branch '", StringComparison.Ordinal))
        {
            return new GitCommit(name, null);
        }

        using var objects = new ObjectReader(git, Place(_incoming));
        var at = name;
        for (var depth = 0; depth <= MaxTags; depth++)
        {
            if (!objects.Ask(at) || objects.Next() is not { } found)
            {
                break;
            }

            if (found.Type == "commit")
            {
                return new GitCommit(at, at == name ? null : name);
            }

            var start = new byte[100];
            var length = Math.Max(objects.Read(start), 0);
            if (found.Type != "tag" || Encoding.ASCII.GetString(start, 0, length).Split(' ', '\n') is not ["object", var target, ..]
                || !RefName.IsCommit(target) || !objects.Skip())
            {
                break;
            }

            at = target;
        }

        throw new RunException(ExitStatus.Data, $"{_shown}: '{reference}' is the name of something that is not a commit");
    }

    /// <summary>No such ref: with the nearest one that there is, which takes another question to the server.</summary>
    private RunException MissingRef(GitProgram git, string reference)
    {
        var isCommit = RefName.IsCommit(reference);
        var message = isCommit ? $"{_shown}: no commit {reference}" : $"{_shown}: no branch or tag '{reference}'";
        if (reference == "HEAD")
        {
            return new RunException(ExitStatus.NotFound, $"{_shown}: it has no commit yet, or no default branch");
        }

        if (isCommit || RefName.IsAbbreviated(reference))
        {
            return new RunException(ExitStatus.NotFound, message, isCommit ? null : "a commit is named by all of its digits");
        }

        var nearest = Suggestion.For(reference, Refs(git));
        return new RunException(ExitStatus.NotFound, message, nearest is null ? null : $"did you mean '{nearest}'?");
    }

    private List<string> Refs(GitProgram git)
    {
        var refs = new List<string>();
        _ = GitRun.Answer(
            git, Place(_incoming), ["ls-remote", "--heads", "--tags", "--refs", "--", _url], GitLimits.Refs, out var answer);
        foreach (var line in answer.Split('\n'))
        {
            if (line.Split('\t') is [_, var name] && name.Split('/', 3) is ["refs", _, var rest])
            {
                refs.Add(rest);
            }
        }

        return refs;
    }

    /// <summary>
    /// Makes the repository, if there is none yet, and an empty one in it. The layout is gitrepository-layout(5); <c>git init</c> would
    /// make the same, take longer, and copy the user's templates.
    /// </summary>
    /// <returns>Whether there are commits already, on which the new one may build.</returns>
    private bool Prepare(bool isSha256)
    {
        RemoveIncoming();
        Sweep();
        _incoming = string.Create(CultureInfo.InvariantCulture, $"{Incoming}{Random.Shared.NextInt64():x16}");
        Make(_directory);
        Make(Place(Commits));
        Initialize("", isSha256);
        Make(Place(_incoming));
        _incomingLock = Files.Open(Place(_incoming), OpenFlags.Directory | OpenFlags.NoFollow)
            .OrThrow(error => CannotWrite(Place(_incoming), error));
        _ = Files.Lock(_incomingLock, wait: false);
        Initialize($"{_incoming}/", isSha256);

        var known = KnownCommits();
        if (known.Count > 0)
        {
            // The server sends only what is not in these, and the new pack is made whole from what is there.
            Make(Place($"{_incoming}/objects/info"));
            WriteSmall(Place($"{_incoming}/objects/info/alternates"), "../../objects\n");
            WriteSmall(Place($"{_incoming}/packed-refs"), string.Concat(known.Select(static c => $"{c} refs/known/{c}\n")));
            WriteSmall(Place($"{_incoming}/shallow"), string.Concat(known.Select(static c => $"{c}\n")));
        }

        return known.Count > 0;
    }

    /// <summary>Removes what arrived.</summary>
    private void RemoveIncoming()
    {
        if (_incomingLock is not null)
        {
            DirectoryTree.Remove(Place(_incoming));
            _incomingLock.Dispose();
            _incomingLock = null;
        }
    }

    /// <summary>Removes what has arrived when a run was killed. Only one process at a time does this, and makes such directories.</summary>
    private void Sweep()
    {
        foreach (var name in Files.Names(_directory).Value ?? [])
        {
            if (name.StartsWith(Incoming, StringComparison.Ordinal) && !TreeCache.IsLocked(Place(name)))
            {
                DirectoryTree.Remove(Place(name));
            }
        }
    }

    private void Initialize(string prefix, bool isSha256)
    {
        foreach (var directory in (ReadOnlySpan<string>)["objects", Packs, "refs"])
        {
            Make(Place(prefix + directory));
        }

        // sharedRepository: the modes of what git creates, whatever the umask.
        var format = isSha256
            ? "repositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n[core]"
            : "repositoryformatversion = 0";
        Ensure(Place($"{prefix}config"), $"[core]\n\t{format}\n\tbare = true\n\tsharedRepository = 0600\n");
        Ensure(Place($"{prefix}HEAD"), "ref: refs/heads/none\n");
    }

    private bool IsSha256 => KnownCommits() is [var known, ..] && RefName.IsSha256(known);

    /// <summary>The commits that are there, the latest ones, sorted.</summary>
    private List<string> KnownCommits()
    {
        var known = (Files.Names(Place(Commits)).Value ?? []).FindAll(Has);
        if (known.Count > GitLimits.Known)
        {
            known = [.. known.OrderBy(name => -(Files.Status(Place($"{Commits}/{name}")).Value?.Modified ?? 0)).Take(GitLimits.Known)];
        }

        return [.. known.OrderBy(static name => name, StringComparer.Ordinal)];
    }

    /// <summary>What git has stored so far, in bytes.</summary>
    private long IncomingSize()
    {
        var packs = Place($"{_incoming}/{Packs}");
        var size = 0L;
        foreach (var name in Files.Names(packs).Value ?? [])
        {
            size += name.EndsWith(".idx", StringComparison.Ordinal) ? 0 : Files.LinkStatus($"{packs}/{name}").Value?.Size ?? 0;
        }

        return size;
    }

    /// <summary>Moves the packs that have arrived; each index last, because a pack without one is ignored.</summary>
    private void Adopt(bool flush)
    {
        if (IncomingSize() > GitLimits.Pack)
        {
            throw new RunException(ExitStatus.Data, $"{_shown}: more than {GitLimits.Pack >> 20} MiB packed");
        }

        var packs = Place($"{_incoming}/{Packs}");
        var names = Files.Names(packs).OrThrow(error => CannotWrite(packs, error));
        if (names.Count == 0)
        {
            return;
        }

        foreach (var name in names.OrderBy(static name => name.EndsWith(".idx", StringComparison.Ordinal)))
        {
            if (flush)
            {
                // git has flushed it, unless the user's configuration forbids that; then this does.
                Flush($"{packs}/{name}", OpenFlags.ReadOnly);
            }

            Check(Files.Rename($"{packs}/{name}", Place($"{Packs}/{name}")), Place(Packs));
        }

        if (flush)
        {
            Flush(Place(Packs), OpenFlags.Directory);
        }
    }

    /// <summary>From now on the commit is there. If this is lost, the commit is fetched again.</summary>
    private void Note(string commit, bool flush)
    {
        var path = Place($"{Commits}/{commit}");
        WriteSmall(path, $"{commit}\n");
        if (flush)
        {
            Flush(path, OpenFlags.ReadOnly);
        }
    }

    /// <summary>Removes everything, first of all what says that something is there.</summary>
    private void Remove()
    {
        DirectoryTree.Remove(Place(Commits));
        foreach (var name in Files.Names(_directory).Value ?? [])
        {
            // Other fetches may be under way. Without what they build on they begin again.
            if (!name.StartsWith(Incoming, StringComparison.Ordinal))
            {
                DirectoryTree.Remove(Place(name));
            }
        }
    }

    private string Place(string name) => $"{_directory}/{name}";

    private static void Make(string directory)
    {
        var error = Files.MakeDirectory(directory, Permissions.PrivateDirectory);
        _ = error is Errno.None or Errno.Exists ? error : throw CannotWrite(directory, error);
    }

    private static string? ReadSmall(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).Value;
        return file is null || Files.Read(file, MaxSmallFile).Value is not { } bytes ? null : OsText.FromBytes(bytes);
    }

    private static void Ensure(string path, string text)
    {
        if (ReadSmall(path) != text)
        {
            WriteSmall(path, text);
        }
    }

    private static void WriteSmall(string path, string text)
    {
        const int Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate;
        using var file = Files.Open(path, Flags | OpenFlags.NoFollow, Permissions.PrivateFile).OrThrow(error => CannotWrite(path, error));
        Check(Files.ChangeMode(file, Permissions.PrivateFile), path);
        Check(Files.Write(file, OsText.ToBytes(text)), path);
    }

    private static void Flush(string path, int flags)
    {
        using var file = Files.Open(path, flags).OrThrow(error => CannotWrite(path, error));
        Check(Files.Flush(file), path);
    }

    private static void Check(Errno error, string path)
    {
        if (error != Errno.None)
        {
            throw CannotWrite(path, error);
        }
    }

    private static RunException CannotWrite(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
}
