namespace Run.Tests.Naming;

/// <summary>A local script with a digest: what runs is what was hashed, also where somebody else can exchange the file meanwhile.</summary>
public sealed class LocalDigestTests
{
    private const string Tells = "#!/bin/sh\necho \"$(basename \"$0\") $*\"\n";

    [Theory]
    [InlineData("private", true)]
    [InlineData("sticky", true)]
    [InlineData("open", false)]
    [InlineData("writable", false)]
    public async Task It_is_started_in_its_place_unless_others_can_exchange_it(string what, bool inPlace)
    {
        using var box = new Sandbox();
        var directory = Directory.CreateDirectory(box.Work + "/it").FullName;
        var path = box.Put("it/x.sh", "#!/bin/sh\necho \"$0\"\n");
        File.SetUnixFileMode(directory, (UnixFileMode)(what switch { "sticky" => 0x3ff, "open" => 0x1ff, _ => 0x1ed }));
        File.SetUnixFileMode(path, (UnixFileMode)(what == "writable" ? 0x1ff : 0x1ed));
        var script = $"it/x.sh#sha256={DigestOf("#!/bin/sh\necho \"$0\"\n")}";
        foreach (var name in (string[])[$"./{script}", $"{box.Work}/{script}"])
        {
            for (var i = 0; i < 2; i++)
            {
                var result = await box.Run(name).Result();
                result.Is(0, result.Stdout);
                Assert.Equal(inPlace, result.Stdout == name.Split('#')[0] + "\n");
                Assert.EndsWith("/x.sh\n", result.Stdout, StringComparison.Ordinal);
            }
        }

        await box.Run("-v", $"./{script}").Succeeds("#!/bin/sh\necho \"$0\"\n");
        await box.Run("--list").Succeeds("");
        await box.Run("-cy").Succeeds("");
    }

    [Fact]
    public async Task The_copy_has_its_name_and_is_made_anew_for_another_digest()
    {
        using var box = new Sandbox();
        File.SetUnixFileMode(box.Work, (UnixFileMode)0x1ff);
        foreach (var version in (string[])["one", "two", "one"])
        {
            var text = $"{Tells}# {version}\n";
            box.Put("x", text);
            await box.Run($"./x#sha256={DigestOf(text)}", "a").Succeeds("x a\n");
            await box.Run($"./x#sha256={DigestOf("other")}").Fails(ExitStatus.Data, "./x");
        }

        box.Put("x", "changed\n");
        await box.Run($"./x#sha256={DigestOf($"{Tells}# one\n")}").Fails(ExitStatus.Data, "./x");
        File.Delete(box.Work + "/x");
        await box.Run($"./x#sha256={DigestOf($"{Tells}# one\n")}").Fails(ExitStatus.NotFound, "./x");
    }

    [RootFact]
    public async Task A_user_who_exchanges_it_all_the_time_gets_nothing_of_his_executed()
    {
        using var box = new Sandbox();
        File.SetUnixFileMode(box.Work, (UnixFileMode)0x1ff);
        box.Put("good", Saying("good"));
        box.Put("evil", Saying("evil"));
        box.Put("x", Saying("good"));
        await using var attacker = box.Sh("while :; do cp good t; mv -f t x; cp evil t; mv -f t x; done").As(65534).Start();
        for (var i = 0; i < 150; i++)
        {
            var result = await box.Run($"./x#sha256={DigestOf(Saying("good"))}").Result();
            result.Check(result.Status == 0 ? result.Stdout == "good\n" : result is { Status: 65, Stdout: "" }, "the good one or none");
        }
    }
}
