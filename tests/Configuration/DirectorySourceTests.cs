using System.Text.Json;

namespace Run.Tests.Configuration;

/// <summary>Sources that are directories of this machine: their scripts are local files.</summary>
public sealed class DirectorySourceTests
{
    [Theory]
    [InlineData("{work}/%s", "tools/x")]
    [InlineData("file://{work}/%s", "tools/x")]
    [InlineData("~/../work/%s", "tools/x")]
    [InlineData("{work}/%s/x", "tools")]
    [InlineData("{work}/{ref}/%s", "x@tools")]
    public async Task A_script_is_the_file_and_not_cached(string pattern, string rest)
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(box.Home);
        var file = box.Put("tools/x", "#!/bin/sh\necho \"$0 $*\"\n");
        box.Conf($"sources:\n  team: {pattern.Replace("{work}", box.Work, StringComparison.Ordinal)}\n");
        if (pattern[0] == '~')
        {
            await box.Run($"team:{rest}").Fails(ExitStatus.Configuration, "..");
            return;
        }

        await box.Run($"team:{rest}", "a b").Succeeds($"{file} a b\n");
        TestFile.Write(file, Saying("changed"));
        await box.Run($"team:{rest}").Succeeds("changed\n");
        await box.Run("--offline", "--view", $"team:{rest}").Succeeds(Saying("changed"));
        await box.Run("--clean", "--yes", $"team:{rest}").Fails(ExitStatus.Usage, "not cached");
        await box.Run("--list").Succeeds("");
        Assert.Equal(file, (await WouldRun.Of(box, $"team:{rest}")).Path);
    }

    [Fact]
    public async Task In_the_home_or_by_the_original_s_file()
    {
        using var box = new Sandbox();
        box.Put(box.Home + "/scripts/x", Saying("at home"));
        box.Conf("[sources]\nmine: ~/scripts/%s\n");
        await box.Run("mine:x").Succeeds("at home\n");
        await box.Run("mine:x").Env("HOME", null).Fails(ExitStatus.Usage, "HOME is not set");
        await box.Run("mine:../x").Fails(ExitStatus.Usage, "..");
        await box.Run("mine:missing").Fails(ExitStatus.NotFound, "mine:missing: no such file");
    }

    [Fact]
    public async Task It_is_locked_as_the_file()
    {
        using var box = new Sandbox();
        box.Conf($"sources:\n  team: {{url: \"{box.Work}/%s\", lock: exclusive}}\n");
        box.Put("x", "#!/bin/sh\nrun ./x; echo $?\n");
        Assert.Equal("75\n", (await box.Run("team:x").Result()).Stdout);
    }

    [Theory]
    [InlineData("url: /srv/%s, max-age: 1d", "max-age")]
    [InlineData("headers: {A: b}, url: ~/%s", "headers")]
    [InlineData("url: /srv/%s, trust: ask", "trust")]
    [InlineData("url: /srv/%s, ref: main", "ref")]
    [InlineData("url: /srv/../%s", "..")]
    [InlineData("url: srv/%s", "directory")]
    [InlineData("url: https://example.com/%s, mirrors: [/srv/%s]", "mirror")]
    public async Task What_would_have_no_effect_is_a_mistake(string keys, string word)
    {
        using var box = new Sandbox();
        box.Conf($"sources:\n  team: {{{keys}}}\n");
        await box.Run("team:x").Fails(ExitStatus.Configuration, ":2:", word);
    }

    [Fact]
    public async Task Its_scripts_are_listed_with_what_they_say_of_themselves_and_completed()
    {
        using var box = new Sandbox();
        box.Conf($"sources:\n  team: {box.Work}/%s.sh\n  web: https://example.com/%s\n");
        box.Put("backup.sh", "#!/bin/sh\n# shellcheck disable=SC2034\n# Copyright 2026 somebody\n\n# Back up the databases.\necho x\n");
        box.Put("db/dump.sh", "#!/usr/bin/env node\n/* Dump one table. */\n");
        box.Put("plain.sh", "echo x\n# not an opening comment of it\n");
        box.Put("other.txt", "");
        box.Put(".hidden.sh", "");
        await box.Run("--list", "team:").Succeeds("team:backup   Back up the databases.\nteam:db/dump  Dump one table.\nteam:plain    \n");
        await box.Run("--list", "team:d").Succeeds("team:db/dump  Dump one table.\n");
        using var json = JsonDocument.Parse((await box.Run("--json", "--list", "team:db").Result()).Stdout);
        Assert.Equal("Dump one table.", json.RootElement[0].GetProperty("summary").GetString());
        var words = (await box.Run("--completion", "words").Result()).Stdout;
        Assert.Contains("team:db/dump\tDump one table.\n", words, StringComparison.Ordinal);

        await box.Run("--list", "web:").Expect(0, "", "run: web: this source cannot be listed; these of its scripts are cached\n");
        await box.Run("--list", "wob:").Fails(ExitStatus.Usage, "wob: no such source", "did you mean web:?");
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_not_listed_as_an_empty_one()
    {
        using var box = new Sandbox();
        box.Conf($"sources:\n  team: {box.Work}/scripts/%s\n");
        await box.Run("--list", "team:").Fails(ExitStatus.NotFound, $"team: no such directory: {box.Work}/scripts/");
        box.Put("scripts", "a file");
        await box.Run("--list", "team:").Fails(ExitStatus.NotFound, $"{box.Work}/scripts/");
        File.Delete(box.Work + "/scripts");
        Directory.CreateDirectory(box.Work + "/scripts");
        await box.Run("--list", "team:").Succeeds("");

        // Completion offers what there is, and says nothing.
        Directory.Delete(box.Work + "/scripts");
        Assert.Equal("", (await box.Run("--completion", "words").Result()).Stderr);
    }

    [Fact]
    public async Task The_pattern_of_a_file_URL_is_decoded()
    {
        using var box = new Sandbox();
        var file = box.Put("sp ace/ä/x", "#!/bin/sh\necho \"$0\"\n");
        box.Conf($"sources:\n  team: file://{box.Work}/sp%20ace/%C3%A4/%s\n  plain: file://{box.Work}/sp ace/ä/%s\n");
        await box.Run("team:x").Succeeds($"{file}\n");
        await box.Run("plain:x").Succeeds($"{file}\n");
        Assert.Contains("team:x", (await box.Run("--list", "team:").Result()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_that_lead_back_are_not_followed()
    {
        using var box = new Sandbox();
        box.Put("scripts/x", Saying("x"));
        box.Put("scripts/sub/y", Saying("y"));
        foreach (var name in (string[])["p", "q", "sub/up"])
        {
            File.CreateSymbolicLink($"{box.Work}/scripts/{name}", $"{box.Work}/scripts");
        }

        box.Conf($"sources:\n  team: {box.Work}/scripts/%s\n");
        var listed = await box.Run("--list", "team:").Within(TimeSpan.FromSeconds(30)).Result();
        var names = listed.Stdout.Split('\n').Select(static line => line.Split(' ')[0]);
        Assert.Equal(["team:sub/y", "team:x"], names.Where(static word => word.StartsWith("team:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_local_file_is_not_outdated_and_cannot_be_pinned()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("x"));
        box.Conf($"sources:\n  team: {box.Work}/%s\n");
        foreach (var script in (string[])["team:x", "./x"])
        {
            var result = await box.Run("--outdated", script).Fails(ExitStatus.Usage, script, "local file");
            Assert.DoesNotContain("--pin", result.Stderr, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_run_conf_is_no_empty_file()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(Path.GetDirectoryName(box.ConfFile)!);
        Libc.MakeFifo(box.ConfFile);
        await box.Run("x").Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.Configuration, box.ConfFile, "not a regular file");
    }
}
