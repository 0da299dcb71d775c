namespace Run.Tests.Naming;

/// <summary>Which URL is requested for a name, and what the script sees as its own name.</summary>
public sealed class EncodingTests
{
    private const string SaysItsName = "#!/bin/sh\nprintf %s \"${0##*/}\"\n";

    [Fact]
    public async Task Parts_are_percent_encoded_and_the_file_has_the_name_that_was_typed()
    {
        await using var world = await World.Serving();
        foreach (var (name, path) in ((string, string)[])
        [
            ("a b", "/a%20b"), ("50%", "/50%25"), ("%41", "/%2541"),
            ("é", "/%C3%A9"), ("日本", "/%E6%97%A5%E6%9C%AC"), ("😀", "/%F0%9F%98%80"),
            ("\udcff\udc80", "/%FF%80"), ("x?y", "/x%3Fy"), ("x#y", "/x%23y"), ("a\"<>b", "/a%22%3C%3Eb"), ("[x]{y}", "/%5Bx%5D%7By%7D"),
            (@"a\b", "/a%5Cb"), ("a|b^c`d", "/a%7Cb%5Ec%60d"), ("~x", "/~x"), ("a+b&c=d;e,f", "/a+b&c=d;e,f"), ("!$'()*", "/!$'()*"),
            ("...", "/..."),
        ])
        {
            world.Server[path] = SaysItsName;
            world.Server.ForgetRequests();
            await world.Run(name).Succeeds(name);
            Assert.Equal(path, Assert.Single(world.Server.Requests).Path);
        }
    }

    [Fact]
    public async Task A_directory_and_a_ref_are_encoded_too()
    {
        await using var world = await World.Serving(("/%FF%20/a%20b/c?ref=x%26y%3Dz", SaysItsName));
        world.Conf($"sources:\n  default: {world.Server.Url}/%s/%s?ref={{ref}}\n");
        await world.Run("\udcff /a b/c@x&y=z").Succeeds("c");
    }

    [Fact]
    public async Task A_part_in_the_query_is_sent_as_it_is()
    {
        await using var world = await World.Serving(("/get?file=a/b&raw=1", SaysItsName), ("/x?a=../b//c&d=%2F", SaysItsName));
        world.Conf($"sources:\n  query: {world.Server.Url}/get?file=%s&raw=1\n");
        await world.Run("query:a/b").Succeeds("get");
        await world.Run(world.Server.Url + "/x?a=../b//c&d=%2F").Succeeds("x");
    }

    [Theory]
    [InlineData("/tool", "tool")]
    [InlineData("/dir/tool.sh?raw=1&x=/y", "tool.sh")]
    [InlineData("/a%20b", "a b")]
    [InlineData("/a%2Fb", "a%2Fb")]
    [InlineData("/100%25", "100%")]
    public async Task The_name_is_the_last_part_of_the_path_of_its_URL(string path, string name)
    {
        await using var world = await World.Serving();
        world.Server[path] = SaysItsName;
        await world.Run(world.Server.Url + path).Succeeds(name);
    }

    [Fact]
    public async Task The_ref_is_no_part_of_the_name()
    {
        await using var world = await World.Serving(("/feature/x/dir/tool", SaysItsName));
        world.Conf($"sources:\n  default: {world.Server.Url}/{{ref}}/%s\n");
        await world.Run("dir/tool@feature/x").Succeeds("tool");
    }

    [Fact]
    public async Task A_name_that_no_file_can_have_is_refused()
    {
        using var box = new Sandbox();
        await box.Run(new string('x', 256)).Fails(ExitStatus.Usage, "255 bytes");
    }
}
