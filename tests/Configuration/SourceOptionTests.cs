using Run.Posix;

namespace Run.Tests.Configuration;

/// <summary>The long form of a source: what each key does.</summary>
public sealed class SourceOptionTests
{
    [Fact]
    public async Task All_of_the_keys_that_the_manual_shows()
    {
        using var box = new Sandbox();
        box.Conf("""
            sources:
              default: https://raw.githubusercontent.com/runscripts/scripts/{ref}/%s
              github: https://raw.githubusercontent.com/%s/%s/{ref}/%s
              ops:                                # the long form: every key but url is optional
                url: https://git.example.com/ops/scripts/-/raw/{ref}/%s
                mirrors: [https://mirror.example.com/ops/%s]
                ref: main
                headers: {PRIVATE-TOKEN: "${OPS_TOKEN}"}   # sent only when the variable is set, only to url's own host
                max-age: 1d                       # revalidate a copy that is older than this: s, m, h or d
                lock: exclusive                   # as if --lock were given
                trust: pinned                     # always (default) | ask | pinned
                plain-http: allow                 # else http:// is refused, loopback aside
            interpreters:                         # for scripts without a #! line
              .py: python3
              .js: node
            """);
        var run = await WouldRun.Of(box, "--sha256", Sha256.HexOf([]), "ops:x");
        Assert.Equal("https://git.example.com/ops/scripts/-/raw/main/x", run.Url);
    }

    [Fact]
    public async Task Mirrors_are_asked_in_order_when_the_source_has_failed()
    {
        await using var world = await World.Serving(("/third/x", Saying("ran")));
        world.Conf($"""
            sources:
              default:
                url: {world.Server.Url}/first/%s
                mirrors:
                  - {world.Server.Url}/second/%s
                  - {world.Server.Url}/third/%s
            """);
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(["/first/x", "/second/x", "/third/x"], world.Server.Requests.Select(static r => r.Path));
    }

    [Fact]
    public async Task Headers_are_sent_if_their_variable_is_set()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Conf($$"""
            sources:
              default:
                url: {{world.Server.Url}}/%s
                headers:
                  X-Token: "t-${TOKEN}"
                  X-Fixed: fixed
            """);
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Env("TOKEN", "1").Succeeds("ran\n");
        await world.Run("-u", "x").Env("TOKEN", "").Succeeds("ran\n");
        Assert.Equal([null, "t-1", null], world.Server.Requests.Select(static r => r.Header("X-Token")));
        Assert.All(world.Server.Requests, static r => Assert.Equal("fixed", r.Header("X-Fixed")));
    }

    [Fact]
    public async Task A_copy_that_is_older_than_max_age_is_asked_about()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Conf($$"""
            sources:
              default: {url: "{{world.Server.Url}}/%s", max-age: 1s}
              slow: {url: "{{world.Server.Url}}/%s", max-age: 1h}
            """);
        await world.Run("x").Succeeds("ran\n");
        world.Server["/x"] = Saying("newer");
        await Eventually.True(() => world.Run("x").Result().GetAwaiter().GetResult().Stdout == "newer\n", "the copy is too old");
        var asked = world.Server.Requests.Length;
        await world.Run("slow:x").Succeeds("newer\n");
        Assert.Equal(asked, world.Server.Requests.Length);
    }

    [Fact]
    public async Task An_exclusive_lock_is_as_if_it_were_asked_for()
    {
        await using var world = await World.Serving(("/x", "#!/bin/sh\necho up; read -r line\n"));
        world.Conf($$"""
            sources:
              default: {url: "{{world.Server.Url}}/%s", lock: exclusive}
              other: {url: "{{world.Server.Url}}/%s", lock: shared}
            """);
        await using var first = world.Run("x").InputStaysOpen().Start();
        await first.Output("up");
        await world.Run("x").Fails(ExitStatus.AlreadyRunning, "x is already running", $"(pid {first.Pid})");
        await world.Run("other:x").Fails(ExitStatus.AlreadyRunning, $"(pid {first.Pid})");
    }

    [Fact]
    public async Task Plain_http_is_refused_but_to_this_machine_unless_it_is_allowed()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Conf("""
            sources:
              default: http://host.invalid/%s
              open: {url: "http://host.invalid/%s", plain-http: allow}
            """);
        await world.Run("x").Fails(ExitStatus.Refused, "http");
        var proxied = world.Run("open:x").Env("http_proxy", world.Server.Url);
        world.Server["http://host.invalid/x"] = Saying("ran");
        await proxied.Succeeds("ran\n");
    }

    [Fact]
    [Needs("python3")]
    public async Task Scripts_without_a_first_line_are_started_by_the_end_of_their_name()
    {
        using var box = new Sandbox();
        box.Conf("interpreters:\n  .tell: awk 'BEGIN { for (i = 0; i < ARGC; i++) print ARGV[i] }'\n  .sh: sh -c 'echo mine'\n");
        box.Put("x.tell", "whatever\n");
        box.Put("x.sh", "echo theirs\n");
        box.Put("x.py", "import sys\nprint('python', sys.argv[1:])\n");
        box.Put("x", "echo shell \"$@\"\n");
        box.Put("x.unknown", "echo shell \"$@\"\n");
        box.Put("first.sh", "#!/bin/sh\necho the line wins\n");
        await box.Run("./x.tell", "a", "b c").Succeeds("awk\n./x.tell\na\nb c\n");
        await box.Run("./x.sh").Succeeds("mine\n");
        await box.Run("./x.py", "a").Succeeds("python ['a']\n");
        await box.Run("./x", "a").Succeeds("shell a\n");
        await box.Run("./x.unknown", "a").Succeeds("shell a\n");
        await box.Run("./first.sh").Succeeds("the line wins\n");
    }
}
