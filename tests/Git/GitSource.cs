using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Run.Tests.Git;

/// <summary>
/// A real git repository, and the ways to reach it: <see cref="FileUrl"/>, smart HTTP by git's own http-backend (<see cref="ServeOn"/>),
/// and ssh (<see cref="SshServer"/>).
/// <code>
/// var tools = new GitSource(box);
/// var commit = tools.Commit(("bin/deploy", Saying("deployed")), ("lib/x.sh", "x=1\n"));
/// </code>
/// </summary>
internal sealed class GitSource
{
    private readonly string _root;

    /// <param name="options">Of git init.</param>
    public GitSource(Sandbox box, string name = "tools", params string[] options)
    {
        (_root, Name) = (box.Root + "/repositories", name);
        System.IO.Directory.CreateDirectory(Directory);
        _ = Git(["init", "--quiet", "--initial-branch=main", .. options]);

        // As GitHub and GitLab have it. Protocol 2 always allows it.
        _ = Git("config", "uploadpack.allowAnySHA1InWant", "true");
    }

    public string Name { get; }

    /// <summary>Its working tree.</summary>
    public string Directory => $"{_root}/{Name}";

    public string FileUrl => $"file://{Directory}";

    /// <summary>The commit that HEAD stands for.</summary>
    public string Head => Git("rev-parse", "HEAD").Trim();

    /// <summary>Writes these files, those that begin with #! executable, and commits everything.</summary>
    /// <returns>The commit.</returns>
    public string Commit(params (string Path, string Text)[] files)
    {
        foreach (var (path, text) in files)
        {
            var file = Path.Combine(Directory, path);
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            TestFile.Write(file, text);
            if (text.StartsWith("#!", StringComparison.Ordinal))
            {
                File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.UserExecute);
            }
        }

        _ = Git("add", "--all");
        _ = Git("commit", "--quiet", "--allow-empty", "--message=x");
        return Head;
    }

    /// <summary>Commits entries that no file system holds, or that git add refuses.</summary>
    /// <param name="entries">Mode, name, content or, of other modes than files and links, the object's name.</param>
    /// <returns>The commit, to which HEAD leads from now on.</returns>
    public string CommitRaw(params (string Mode, string Name, string Content)[] entries)
    {
        var tree = Tree(entries);
        var commit = Git("commit-tree", "-m", "x", tree).Trim();
        _ = Git("update-ref", "HEAD", commit);
        return commit;
    }

    /// <summary>Stores a tree with these entries, as they are.</summary>
    public string Tree(params (string Mode, string Name, string Content)[] entries)
    {
        var bytes = new List<byte>();
        foreach (var (mode, name, content) in entries)
        {
            var id = mode is "40000" or "160000" ? content : Blob(content);
            bytes.AddRange([.. Encoding.UTF8.GetBytes($"{mode} {name}\0"), .. Convert.FromHexString(id)]);
        }

        return Store("tree", [.. bytes]);
    }

    public string Blob(string content) => Store("blob", Encoding.UTF8.GetBytes(content));

    public string Store(string type, byte[] bytes) =>
        Run(["hash-object", "-t", type, "-w", "--stdin", "--literally"], bytes).Trim();

    /// <summary>Runs git in it; it must succeed.</summary>
    /// <returns>Its standard output.</returns>
    public string Git(params string[] arguments) => Run(arguments, []);

    /// <summary>Serves it at <c>/NAME.git</c>.</summary>
    /// <param name="userInfo">NAME:PASSWORD that the server wants to see; null: none.</param>
    /// <returns>Its URL.</returns>
    public string ServeOn(ScriptServer server, string? userInfo = null)
    {
        foreach (var request in (ReadOnlySpan<string>)["info/refs?service=git-upload-pack", "git-upload-pack"])
        {
            var (path, query) = request.Split('?') is [var p, var q] ? (p, q) : (request, "");
            server.Map($"/{Name}.git/{request}", context => Answer(context, path, query, userInfo));
        }

        return $"{server.Url}/{Name}.git";
    }

    private async Task Answer(HttpContext context, string path, string query, string? userInfo)
    {
        if (userInfo is not null
            && context.Request.Headers.Authorization != $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(userInfo))}")
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"x\"";
            await ScriptServer.Refuse(context, 401);
            return;
        }

        var request = new MemoryStream();
        await context.Request.Body.CopyToAsync(request);
        var answer = Start(["http-backend"], new()
        {
            ["GIT_PROJECT_ROOT"] = _root,
            ["GIT_HTTP_EXPORT_ALL"] = "1",
            ["PATH_INFO"] = $"/{Name}/{path}",
            ["QUERY_STRING"] = query,
            ["REQUEST_METHOD"] = context.Request.Method,
            ["CONTENT_TYPE"] = context.Request.ContentType ?? "",
            ["CONTENT_LENGTH"] = request.Length.ToString(CultureInfo.InvariantCulture),
            ["HTTP_CONTENT_ENCODING"] = context.Request.Headers.ContentEncoding.ToString(),
            ["GIT_PROTOCOL"] = context.Request.Headers["Git-Protocol"].ToString(),
        });
        using (answer)
        {
            var output = new MemoryStream();
            var reading = answer.StandardOutput.BaseStream.CopyToAsync(output);
            await answer.StandardInput.BaseStream.WriteAsync(request.ToArray());
            answer.StandardInput.Close();
            await reading;
            var bytes = output.ToArray();
            var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
            foreach (var line in Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n"))
            {
                var (name, value) = (line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim());
                if (name == "Status")
                {
                    context.Response.StatusCode = int.Parse(value[..3], CultureInfo.InvariantCulture);
                }
                else
                {
                    context.Response.Headers[name] = value;
                }
            }

            context.Response.ContentLength = bytes.Length - end - 4;
            await context.Response.Body.WriteAsync(bytes.AsMemory(end + 4));
        }
    }

    private string Run(string[] arguments, byte[] input)
    {
        using var git = Start(arguments, []);
        var errors = git.StandardError.ReadToEndAsync();
        git.StandardInput.BaseStream.Write(input);
        git.StandardInput.Close();
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0 ? output : throw new InvalidOperationException($"git {string.Join(' ', arguments)}: {errors.Result}");
    }

    private Process Start(string[] arguments, Dictionary<string, string> variables)
    {
        var how = new ProcessStartInfo("git", ["-C", Directory, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        variables["HOME"] = _root;
        variables["GIT_CONFIG_NOSYSTEM"] = "1";
        foreach (var who in (ReadOnlySpan<string>)["AUTHOR", "COMMITTER"])
        {
            variables[$"GIT_{who}_NAME"] = "x";
            variables[$"GIT_{who}_EMAIL"] = "x@example.com";
        }

        foreach (var (name, value) in variables)
        {
            how.Environment[name] = value;
        }

        return Starter.Start(how);
    }
}
