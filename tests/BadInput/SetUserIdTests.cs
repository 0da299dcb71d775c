namespace Run.Tests.BadInput;

/// <summary>A copy of the program that has more rights than its caller would run the caller's script with these rights.</summary>
public sealed class SetUserIdTests
{
    private const int Caller = 4321;

    [RootFact]
    public async Task A_set_user_id_copy_refuses() => await Refuses("chown 1234:1234 ./run; chmod 4755 ./run");

    [RootFact]
    public async Task A_set_group_id_copy_refuses() => await Refuses("chown 1234:1234 ./run; chmod 2755 ./run");

    [RootFact]
    [Needs("setcap")]
    public async Task A_copy_with_file_capabilities_refuses() => await Refuses("setcap cap_dac_override=ep ./run");

    private static async Task Refuses(string give)
    {
        using var box = new Sandbox();
        box.GiveTo(Caller);
        box.Put("x", "#!/bin/sh\nid -u\n");
        await box.Sh($"cp -L $(command -v run) ./run; {give}").Succeeds("");
        foreach (var arguments in (string[][])[["./x"], ["--quiet", "./x"], ["--version"]])
        {
            await box.Exec("./run", arguments).As(Caller).Fails(ExitStatus.Refused, "set-user-id");
        }

        Assert.False(Directory.Exists(box.Cache) || Directory.Exists(box.Locks), "nothing was created");
    }
}
