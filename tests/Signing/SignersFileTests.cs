namespace Run.Tests.Signing;

/// <summary>Who else can write or exchange the file of signers.</summary>
[Needs("ssh-keygen")]
public sealed class SignersFileTests
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1ff;

    [Fact]
    public async Task In_a_directory_that_everybody_can_write_it_is_refused()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        var file = world.Put("open/below/signers", alice.Line(), executable: false);
        var open = Path.GetDirectoryName(Path.GetDirectoryName(file))!;
        world.SourceWith($"signers: {file}");
        File.SetUnixFileMode(open, Everybody);
        await world.Run("x").Fails(ExitStatus.Refused, file, $"{open} is writable by all users", $"chmod o-w {open}");

        // A sticky one keeps what is this user's, and with a umask of 002 a group can write all directories.
        foreach (var mode in (UnixFileMode[])[Everybody | UnixFileMode.StickyBit, Everybody & ~UnixFileMode.OtherWrite])
        {
            File.SetUnixFileMode(open, mode);
            await world.Run("-u", "x").Succeeds("signed\n");
        }
    }
}
