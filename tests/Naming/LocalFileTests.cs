namespace Run.Tests.Naming;

/// <summary>A SCRIPT that is a file on this machine.</summary>
public sealed class LocalFileTests
{
    private const string SaysHow = "#!/bin/sh\necho \"$0: $*\"\n";

    [Fact]
    public async Task It_runs_where_it_is_and_is_not_cached()
    {
        using var box = new Sandbox();
        var absolute = box.Put("x", SaysHow);
        box.Put(box.Home + "/x", SaysHow);
        box.Put("sub/y", SaysHow);
        await box.Run("./x", "a", "b").Succeeds("./x: a b\n");
        await box.Run("../x").In(box.Work + "/sub").Succeeds("../x: \n");
        await box.Run(absolute).In("/").Succeeds($"{absolute}: \n");
        await box.Run("~/x").Succeeds($"{box.Home}/x: \n");
        await box.Run("./sub/../x").Succeeds("./sub/../x: \n");
        await box.Run("--list").Succeeds("");
    }

    [Fact]
    public async Task A_symbolic_link_leads_to_it()
    {
        using var box = new Sandbox();
        box.Put("x", SaysHow);
        File.CreateSymbolicLink(box.Work + "/link", "x");
        await box.Run("./link", "a").Succeeds("./link: a\n");
    }

    [Fact]
    public async Task Its_name_may_be_any_that_a_file_can_have()
    {
        using var box = new Sandbox();
        foreach (var name in (string[])["a b", "é", "x#y", "x:y", "x@y", "50%", "a\nb"])
        {
            box.Put(name, SaysHow);
            await box.Run($"./{name}").Succeeds($"./{name}: \n");
        }

        await box.Sh("cp x:y \"$(printf '\\377')\"").Succeeds("");
        await box.Run("./\udcff").Succeeds("./\udcff: \n");
    }

    [Theory]
    [InlineData("./missing", ExitStatus.NotFound)]
    [InlineData("/missing/x", ExitStatus.NotFound)]
    [InlineData("~/missing", ExitStatus.NotFound)]
    [InlineData("./x/y", ExitStatus.NotFound)]
    [InlineData("./", ExitStatus.CannotStart)]
    [InlineData("/tmp", ExitStatus.CannotStart)]
    [InlineData("./dangling", ExitStatus.NotFound)]
    [InlineData("./fifo", ExitStatus.CannotStart)]
    [InlineData("/dev/null", ExitStatus.CannotStart)]
    internal async Task What_is_no_file(string script, ExitStatus status)
    {
        using var box = new Sandbox();
        box.Put("x", SaysHow);
        File.CreateSymbolicLink(box.Work + "/dangling", "nothing");
        Libc.MakeFifo(box.Work + "/fifo");
        await box.Run(script).Fails(status, script);
    }

    [Fact]
    public async Task There_is_no_tilde_without_a_home()
    {
        using var box = new Sandbox();
        await box.Run("~/x").Env("HOME", null).Fails(ExitStatus.Usage, "~/x", "HOME");
    }
}
