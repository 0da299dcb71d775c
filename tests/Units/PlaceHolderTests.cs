using Run.Locking;
using Run.Naming;

namespace Run.Tests.Units;

/// <summary>What a session says of itself: it is short, printable, and can be read again.</summary>
public sealed class PlaceHolderTests
{
    [Theory]
    [InlineData("web2", "root", "ops:backup.sh", "web2", "root", "ops:backup.sh")]
    [InlineData("web2.dc1.internal.example.com", "www-data", "./x", "web2", "www-data", "./x")]
    [InlineData("backup-28391040-of-the-night-x7k2p", "a-very-long-user", "./x", "...-of-the-night-x7k2p", "...ng-user", "./x")]
    [InlineData("web2", "root", "./with a blank and 100%", "web2", "root", "./with a blank and 100%")]
    [InlineData("web2", "root", "./\u00e9\udcff\n", "web2", "root", "./\u00e9\udcff\n")]
    [InlineData("", "", "", "-", "-", "-")]
    public void It_can_be_read_again(string host, string user, string script, string hostShown, string userShown, string scriptShown)
    {
        var name = new PlaceHolder(host, 4194304, user, script).ApplicationName;
        Assert.InRange(name.Length, 1, 63);
        Assert.All(name, static c => Assert.InRange(c, ' ', '~'));
        Assert.Equal(new PlaceHolder(hostShown, 4194304, userShown, scriptShown), PlaceHolder.Parse(name));
    }

    [Fact]
    public void A_long_name_is_cut_at_its_beginning_and_between_characters()
    {
        for (var length = 1; length < 60; length++)
        {
            var script = string.Concat(Enumerable.Repeat("\u00e9", length)) + ".sh";
            var name = new PlaceHolder("web2", 1, "root", script).ApplicationName;
            Assert.InRange(name.Length, 1, 63);
            var shown = PlaceHolder.Parse(name)!.Script;
            Assert.EndsWith("\u00e9.sh", shown, StringComparison.Ordinal);
            Assert.DoesNotContain('%', shown);
        }
    }

    [Theory]
    [InlineData("psql")]
    [InlineData("")]
    [InlineData("run ")]
    [InlineData("run a b c d")]
    [InlineData("run a 1 c")]
    [InlineData("run a 1 b c d")]
    [InlineData("run  1 b c")]
    [InlineData("runner a 1 b c")]
    public void Others_are_none_of_ours(string name) => Assert.Null(PlaceHolder.Parse(name));

    [Theory]
    [InlineData("fleet:job", "fleet", "job")]
    [InlineData("fleet:", "fleet", null)]
    [InlineData("fleet:a:b", "fleet", "a:b")]
    [InlineData("job", null, null)]
    [InlineData(":", null, null)]
    [InlineData(":job", null, null)]
    [InlineData("/dev/sda:1", null, null)]
    [InlineData("-a:1", null, null)]
    [InlineData("", null, null)]
    public void The_value_of_lock_is_a_name_or_a_place_and_a_name(string value, string? place, string? name) =>
        Assert.Equal((place, name), LockPlace.Split(value) is var (p, n) ? (p, n) : (null, null));
}
