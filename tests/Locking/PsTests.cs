using System.Text.Json;

namespace Run.Tests.Locking;

/// <summary><c>--ps</c>: what runs at this moment.</summary>
public sealed class PsTests
{
    [Fact]
    public async Task It_lists_every_holder_and_nobody_else()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.PutHolder("y");
        await box.Run("--ps").Succeeds("");
        await box.Run("--ps", "--json").Succeeds("[]\n");
        var holders = new List<Child>();
        for (var i = 0; i < 12; i++)
        {
            holders.Add(await box.Holds("./x"));
        }

        var exclusive = await box.Holds("--lock", "./y");
        holders.Add(exclusive);
        await using var waiting = box.Run("--wait", "./y").Start();
        await waiting.Errors("waiting");
        var expected = holders.OrderBy(static h => h.Pid).Select(h => $"{h.Pid} {(h == exclusive ? "exclusive ./y" : "shared ./x")}\n");
        Assert.Equal(string.Concat(expected), await box.Ps());

        await exclusive.Ends();
        await waiting.Exit();
        holders.Remove(exclusive);
        Assert.Equal(string.Concat(holders.OrderBy(static h => h.Pid).Select(static h => $"{h.Pid} shared ./x\n")), await box.Ps());
        foreach (var holder in holders)
        {
            await holder.Ends();
        }

        await box.Run("--ps", "--json").Succeeds("[]\n");
    }

    [Fact]
    public async Task It_says_for_how_long_and_as_whom()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        var one = Only(box);
        var first = one.GetProperty("seconds").GetInt64();
        Assert.InRange(first, 0, 30);
        await Eventually.True(() => (one = Only(box)).GetProperty("seconds").GetInt64() > first, "it has been running for longer");
        Assert.Equal(["pid", "mode", "seconds", "script", "user"], one.EnumerateObject().Select(static p => p.Name));
        Assert.Equal(Environment.UserName, one.GetProperty("user").GetString());

        var line = (await box.Run("--ps").Result()).Stdout;
        Assert.Matches($@"^{holder.Pid} +exclusive +\d+s +{Environment.UserName} +\./x\n$", line);
        var shown = (await box.Run("--ps").OnTerminal().Result()).Stdout;
        Assert.Matches($@"^PID +MODE +TIME +USER +SCRIPT\r?\n{holder.Pid} ", shown);
        await holder.Ends();
    }

    [RootFact]
    public async Task A_holder_in_another_PID_namespace_is_shown_as_what_it_is()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var outside = await box.Holds("./x");
        var inside = box.Exec("run", "--ps", "--json").Through("unshare", "--pid", "--fork", "--mount-proc");
        using var list = JsonDocument.Parse((await inside.Result()).Stdout);
        var one = Assert.Single(list.RootElement.EnumerateArray());
        Assert.Equal(JsonValueKind.Null, one.GetProperty("pid").ValueKind);
        Assert.Equal(JsonValueKind.Null, one.GetProperty("seconds").ValueKind);
        Assert.Equal("./x", one.GetProperty("script").GetString());
        await box.Exec("run", "--lock", "./x").Through("unshare", "--pid", "--fork", "--mount-proc")
            .Fails(ExitStatus.AlreadyRunning, "./x is already running (in another PID namespace");
        await box.Exec("run", "--replace", "./x").Through("unshare", "--pid", "--fork", "--mount-proc")
            .Fails(ExitStatus.AlreadyRunning, "cannot be stopped from here");

        // From outside one sees into it.
        await using var other = await box.Holds(
            box.Exec("run", "./x").Through("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"));
        var lines = (await box.Ps()).Split('\n');
        Assert.Equal(2, lines.Count(static line => line.EndsWith(" shared ./x", StringComparison.Ordinal) && line[0] != '-'));
        await outside.Ends();
    }

    [Fact]
    public async Task A_name_may_hold_what_a_path_may()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await box.Exec("mv", "x", "a\udcff\n").Succeeds("");
        await using var holder = await box.Holds("./a\udcff\n");
        Assert.Equal($"{holder.Pid} shared ./a\\xff\\x0a\n", await box.Ps());
        await holder.Ends();
        await box.Sh("rm a*").Succeeds("");
    }

    private static JsonElement Only(Sandbox box)
    {
        var list = box.Run("--ps", "--json").Result().GetAwaiter().GetResult();
        return Assert.Single(JsonSerializer.Deserialize<JsonElement[]>(list.Stdout)!);
    }
}
