using Run.Generated;

namespace Run.Tests.Units;

public sealed class BuiltInTests
{
    [Theory]
    [InlineData("run.conf", BuiltIn.run_conf)]
    [InlineData("src/CommandLine/Completion/run.bash", BuiltIn.run_bash)]
    [InlineData("src/CommandLine/Completion/run.zsh", BuiltIn.run_zsh)]
    [InlineData("src/CommandLine/Completion/run.fish", BuiltIn.run_fish)]
    public void A_file_is_built_in_byte_for_byte(string file, string builtIn) =>
        Assert.Equal(File.ReadAllText(Path.Combine(Suite.Repository, file)), builtIn);
}
