namespace Run.Tests.Becoming;

/// <summary>If the kernel cannot execute a script (a noexec cache, CRLF), run reads the first line as the kernel would.</summary>
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
        await using var world = await World.Serving();
        // printf %s| prints whatever arguments the interpreter was given, and then the script's path and arguments.
        var interpreter = world.Put(world.Bin + "/show", "#!/bin/sh\nfor a; do printf '%s|' \"${a##*/}\"; done\n");
        var line = $"#!{interpreter}{rest}";
        world.Server["/x"] = line + "\nthe rest\n";
        world.Server["/crlf"] = line + "\r\nthe rest\r\n";
        await world.Run("x", "a b", "").Result();
        var byKernel = (await world.Exec(world.CachedScript("x"), "a b", "").Result()).Stdout;
        Assert.EndsWith("x|a b||", byKernel, StringComparison.Ordinal);
        await world.Run("x", "a b", "").Succeeds(byKernel);
        await world.Run("crlf", "a b", "").Succeeds(byKernel.Replace("x|a", "crlf|a", StringComparison.Ordinal));
        if (RootFactAttribute.MayMount)
        {
            await world.Run("x", "a b", "").InMountNamespace(NoExec).Succeeds(byKernel);
        }
    }
}
