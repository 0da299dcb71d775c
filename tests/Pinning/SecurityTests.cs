using System.Text.RegularExpressions;
namespace Run.Tests.Pinning;

/// <summary>Each row of the table in SECURITY.md has a test. The attacks that no other class tests are here.</summary>
public sealed partial class SecurityTests
{
    [Fact]
    public void Every_row_of_the_table_names_tests_that_there_are()
    {
        var tests = typeof(SecurityTests).Assembly.GetTypes()
            .SelectMany(static type => type.GetMethods()
                .Where(static m => m.IsDefined(typeof(FactAttribute), inherit: true)).Select(m => $"{type.Name}.{m.Name}"))
            .ToHashSet();
        var rows = File.ReadLines(Suite.Repository + "/SECURITY.md").Where(static line => line.StartsWith('|')).Skip(2).ToList();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var named = Named().Matches(row.Split('|')[^2]).Select(static m => m.Groups[1].Value).ToList();
            Assert.NotEmpty(named);
            Assert.Empty(named.Except(tests));
        }
    }

    [Fact]
    public async Task A_repository_brings_neither_sources_nor_scripts()
    {
        await using var world = await Forge.Serving(("/default/x", Saying("good")));
        await using var evil = await ScriptServer.Start();
        evil["/x"] = Saying("evil");
        foreach (var name in (string[])["run.conf", ".run.conf", "etc/run.conf", ".config/run/run.conf", "run/run.conf"])
        {
            world.Put(name, $"sources:\n  default: {evil.Url}/%s\n", executable: false);
        }

        world.Put("x", Saying("evil"));
        world.Put("default:x", Saying("evil"));
        await world.Run("x").Succeeds("good\n");
        await world.Run("default:x").Succeeds("good\n");
        Assert.Empty(evil.Requests);
    }

    [RootFact]
    public async Task A_directory_that_somebody_has_made_ready_is_not_used()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var ready = Directory.CreateDirectory(world.Temporary + "/run-0").FullName;
        Command Homeless() => world.Run($"{world.Server.Url}/x")
            .Env("HOME", null).Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null).Env("XDG_CONFIG_HOME", null);

        Libc.ChangeOwner(ready, 65534);
        await Homeless().Fails(ExitStatus.Refused, ready);
        Libc.ChangeOwner(ready, 0);
        File.SetUnixFileMode(ready, (UnixFileMode)Convert.ToInt32("777", 8));
        await Homeless().Fails(ExitStatus.Refused, ready);
        Directory.Delete(ready);
        File.CreateSymbolicLink(ready, world.Work);
        await Homeless().Fails(ExitStatus.Refused, ready);
        Assert.Empty(world.Server.Requests);
        File.Delete(ready);
        await Homeless().Succeeds("ran\n");
    }

    [Fact]
    public async Task A_run_pins_without_end_is_not_read_to_its_end()
    {
        await using var world = await Forge.Serving();
        using (var file = File.Create(world.Work + "/run.pins"))
        {
            file.SetLength(1L << 40);
        }

        await world.Run("plain:x").Fails(ExitStatus.Configuration, "run.pins", "larger than 1 MiB");
    }

    [GeneratedRegex("`([A-Za-z]+\\.[A-Za-z0-9_]+)`")]
    private static partial Regex Named();
}
