using Run.Tests.Infra;

namespace Run.Tests.Becoming;

/// <summary>What the kernel makes of a first line is what run makes of it where the kernel cannot: in a cache without exec, and with CRLF.</summary>
public sealed class FirstLineTests
{
    private const string NoExec = "mount -t tmpfs -o noexec,mode=755 none \"$XDG_CACHE_HOME\"";

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" -x")]
    [InlineData(" one argument, not four ")]
    [InlineData("\t\ttabs\tinside\t\t")]
    [InlineData(" 'quotes' \"stay\" \\n $HOME *")]
    [InlineData(" é")]
    public async Task A_first_line_means_what_it_means_to_the_kernel(string rest)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        // printf %s| prints whatever arguments the interpreter was given, and then the script's path and arguments.
        var interpreter = box.Put(box.Bin + "/show", "#!/bin/sh\nfor a; do printf '%s|' \"${a##*/}\"; done\n");
        var line = $"#!{interpreter}{rest}";
        server["/x"] = line + "\nthe rest\n";
        server["/crlf"] = line + "\r\nthe rest\r\n";
        await box.Run("x", "a b", "").Result();
        var byKernel = (await box.Exec(box.CachedScript("x"), "a b", "").Result()).Stdout;
        Assert.EndsWith("x|a b||", byKernel, StringComparison.Ordinal);
        await box.Run("x", "a b", "").Succeeds(byKernel);
        await box.Run("crlf", "a b", "").Succeeds(byKernel.Replace("x|a", "crlf|a", StringComparison.Ordinal));
        if (Libc.IsRoot)
        {
            await box.Run("x", "a b", "").InMountNamespace(NoExec).Succeeds(byKernel);
        }
    }
}
