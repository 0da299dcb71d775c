using System.Text;
using Run.Posix;
using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>Nothing in a plan is trusted. Whatever is in its place, the run starts the runtime instead and succeeds.</summary>
public sealed class UntrustedPlanTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Theory]
    [InlineData("empty")]
    [InlineData("oversized")]
    [InlineData("huge")]
    [InlineData("noise")]
    [InlineData("another's plan")]
    [InlineData("a link to a plan")]
    [InlineData("a FIFO")]
    [InlineData("a directory")]
    [InlineData("readable by the group")]
    [InlineData("writable by others")]
    public async Task A_plan_that_is_not_this_users_alone_is_not_used(string what)
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("other")));
        await Is(() => world.Run("y"), "other\n");
        var others = File.ReadAllBytes(PlanFile(world));
        File.Delete(PlanFile(world));
        await Is(() => world.Run("x"), "ran\n");
        var file = PlanFile(world);
        var plan = File.ReadAllBytes(file);
        switch (what)
        {
            case "empty": Put(file, []); break;
            case "oversized": Put(file, Forgery.Sealed([.. plan, .. new byte[8193 - plan.Length]])); break;
            case "noise": Put(file, Forgery.Sealed([.. Enumerable.Range(0, 8192).Select(static i => (byte)(i * i))])); break;
            case "another's plan": Put(file, others); break;
            case "readable by the group": File.SetUnixFileMode(file, Private | UnixFileMode.GroupRead); break;
            case "writable by others": File.SetUnixFileMode(file, Private | UnixFileMode.OtherWrite); break;
            case "huge":
                using (var stream = File.OpenWrite(file))
                {
                    stream.SetLength(1L << 32);
                }

                break;
            case "a link to a plan":
                File.Move(file, world.Root + "/plan");
                File.CreateSymbolicLink(file, world.Root + "/plan");
                break;
            case "a FIFO":
                File.Delete(file);
                Libc.MakeFifo(file);
                break;
            default:
                File.Delete(file);
                Directory.CreateDirectory(file + "/full");
                break;
        }

        await NoLonger(() => world.Run("x"), "ran\n");
        if (what == "a directory")
        {
            await NoLonger(() => world.Run("x"), "ran\n");
            Directory.Delete(file, recursive: true);
        }

        await Is(() => world.Run("x"), "ran\n");
        Assert.Empty(Directory.GetFiles(world.Cache + "/tmp"));
    }

    [RootFact]
    public async Task Another_users_plan_is_not_used()
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("other")));
        await Is(() => world.Run("x"), "ran\n");
        Libc.ChangeOwner(PlanFile(world), 65534);
        await NoLonger(() => world.Run("x"), "ran\n");
        await Is(() => world.Run("x"), "ran\n");
    }

    [Theory]
    [InlineData("a file")]
    [InlineData("a link to nothing")]
    [InlineData("a FIFO")]
    public async Task Without_a_place_for_plans_there_are_none(string what)
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("other")));
        await Is(() => world.Run("x"), "ran\n");
        var plans = world.Cache + "/plans";
        Directory.Delete(plans, recursive: true);
        switch (what)
        {
            case "a file": TestFile.Write(plans, ""); break;
            case "a FIFO": Libc.MakeFifo(plans); break;
            default: File.CreateSymbolicLink(plans, "nowhere"); break;
        }

        await NoLonger(() => world.Run("x"), "ran\n");
        await NoLonger(() => world.Run("x"), "ran\n");
        Assert.Empty(Directory.GetFiles(world.Cache + "/tmp"));
        File.Delete(plans);
        await Is(() => world.Run("x"), "ran\n");
    }

    /// <summary>Even if the seal is valid, each part of a plan has to be checked.</summary>
    [Theory]
    [InlineData("cut", false)]
    [InlineData("cut", true)]
    [InlineData("garbled", false)]
    [InlineData("garbled", true)]
    public async Task A_plan_that_is_cut_or_garbled_anywhere_runs_nothing_else(string how, bool isSealed)
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("other")));
        await Is(() => world.Run("x"), "ran\n");
        var file = PlanFile(world);
        var plan = File.ReadAllBytes(file);
        Put(file, Forgery.Sealed([.. plan]));
        Assert.Equal(plan, File.ReadAllBytes(file));
        var bad = Directory.CreateDirectory(world.Root + "/bad").FullName;
        byte[] Bad(int i)
        {
            byte[] bytes = how == "cut" ? plan[..i] : [.. plan[..i], (byte)(plan[i] ^ (1 << (i % 8))), .. plan[(i + 1)..]];
            return isSealed ? Forgery.Sealed(bytes) : bytes;
        }

        // Only every third byte; scripts/fuzz tries all of them, and more, without a process for each.
        var places = Enumerable.Range(0, plan.Length).Where(static i => i % 3 == 0).ToList();
        places.ForEach(i => Put($"{bad}/{i}", Bad(i)));

        // The runtime is killed when it starts, so what is tested is the executor: it runs the script, or leaves it to the runtime.
        // The shell reports each run that was killed; those messages are discarded.
        var run = $"said=$(exec {WithoutTheRuntime} run x </dev/null 2>&1); echo $said $?";
        var loop = $"cd {bad}; for f in *; do mv $f {file}; {run}; done 2>/dev/null";
        var told = await world.Sh(loop).Result();
        told.Check(told is { Status: 0, Stderr: "" }, "no complaint");
        var lines = told.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(places.Count, lines.Length);
        Assert.All(lines, static line => Assert.True(line is "ran 0" or "137", line));
        if (how == "cut" || !isSealed)
        {
            Assert.DoesNotContain("ran 0", lines);
        }

        for (var i = 0; i < plan.Length; i += 101)
        {
            Put(file, Bad(i));
            await world.Run("x").Succeeds("ran\n");
        }

        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Theory]
    [InlineData("{0}/planted")]
    [InlineData("{1}/../../../planted")]
    [InlineData("{1}x/planted")]
    public async Task A_plan_for_what_is_not_in_the_cache_runs_nothing(string where)
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("other")));
        await Is(() => world.Run("x"), "ran\n");
        var (file, script) = (PlanFile(world), world.CachedScript("x"));
        var path = string.Format(null, where, world.Home, world.Cache);
        world.Put(Path.GetFullPath(path), Saying("planted"));
        var plan = Encoding.Latin1.GetString(File.ReadAllBytes(file));
        var forged = plan.Replace(Step(script), Step(path), StringComparison.Ordinal);
        Assert.NotEqual(plan, forged);
        Put(file, Forgery.Sealed(Encoding.Latin1.GetBytes(forged)));
        await NoLonger(() => world.Run("x"), "ran\n");
    }

    /// <summary>The step of a plan that names the cached script (native/executor.c).</summary>
    private static string Step(string script)
    {
        var look = Files.Status(script).Value!.Stamp;
        return "c" + Encoding.Latin1.GetString([.. ((long[])[(long)look.Device, (long)look.Inode, look.Size, look.Modified, look.Changed])
            .SelectMany(BitConverter.GetBytes), .. OsText.ToCString(script)]);
    }

    private static void Put(string path, byte[] bytes)
    {
        TestFile.Write(path, bytes);
        File.SetUnixFileMode(path, Private);
    }

    private static string PlanFile(Sandbox box) => Assert.Single(Directory.GetFiles(box.Cache + "/plans"));
}
