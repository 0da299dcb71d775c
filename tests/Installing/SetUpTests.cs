namespace Run.Tests.Installing;

/// <summary>How scripts/demo and scripts/test set a machine up: with an apt-get and a sudo that say what they were asked to do.</summary>
public sealed class SetUpTests
{
    private const string Script = """
        #!/bin/sh
        set -eu
        . "$(dirname "$0")/lib.sh"
        set_up first:package-a sh:package-b /nowhere/second:package-c || fail "packages are missing: sudo apt-get install$packages"
        say "going on"

        """;

    [Theory]
    [InlineData(0, "", "")]
    [InlineData(1000, "exec \"$@\"", "sudo -n ")]
    public async Task What_is_missing_is_installed_at_once_if_nobody_has_to_be_asked(int user, string sudo, string how)
    {
        using var box = Machine(user, sudo);
        await box.Sh("scripts/set-up").Succeeds("Installing, once: package-a package-c\ngoing on\n");
        Assert.Equal(
            $"{how}apt-get -qq update\n{how}apt-get -qq install package-a package-c -y --no-install-recommends\n",
            File.ReadAllText(box.Root + "/asked"));

        // And not again.
        await box.Sh("scripts/set-up").Succeeds("going on\n");
    }

    [Theory]
    [InlineData("echo 'sudo: a password is required' >&2; exit 1")]
    [InlineData(null)]
    public async Task Else_one_command_says_all_that_is_missing(string? sudo)
    {
        using var box = Machine(1000, sudo);
        await box.Sh("scripts/set-up").Expect(1, "", "set-up: packages are missing: sudo apt-get install package-a package-c\n");
        Assert.False(File.Exists(box.Root + "/asked"));
    }

    /// <summary>A machine where this user asks, and where sudo does this, if it is there.</summary>
    private static Sandbox Machine(int user, string? sudo)
    {
        var box = new Sandbox();
        box.Put("scripts/lib.sh", File.ReadAllText(Path.Combine(Suite.Repository, "scripts/lib.sh")));
        box.Put("scripts/set-up", Script.Replace("/nowhere", box.Root, StringComparison.Ordinal));
        box.Put("../bin/id", $"#!/bin/sh\necho {user}\n");
        box.Put("../bin/apt-get", $$"""
            #!/bin/sh
            echo "${SUDO:-}apt-get $*" >>{{box.Root}}/asked
            case $* in *install*) touch {{box.Root}}/second; touch {{box.Bin}}/first; chmod +x {{box.Bin}}/first ;; esac

            """);
        // One that is not there is hidden by one that fails in the same way.
        box.Put("../bin/sudo", $"#!/bin/sh\n[ \"$1\" = -n ] && shift\nSUDO='sudo -n '\nexport SUDO\n{sudo ?? "exit 127"}\n");
        return box;
    }
}
