using FsCheck.Fluent;
using Run.Caching;
using Run.Posix;

namespace Run.Tests.Units;

public sealed class CacheRecordTests
{
    private static readonly DateTimeOffset s_then = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    private static readonly CacheRecord s_record = new(
        "github:o/r/a b@v1", "https://h/a%20b", "a b", Sha256.HexOf([]), 123, s_then, s_then.AddDays(1),
        "W/\"x y\"", "Tue, 14 Nov 2023 22:13:20 GMT")
    {
        Stamp = new FileStamp(ulong.MaxValue, 2, 123, 4, -5),
    };

    [Fact]
    public void What_is_written_is_read()
    {
        Assert.Equal(s_record, CacheRecord.Parse(s_record.ToText()));
        var bare = s_record with { ETag = null, LastModified = null, Script = "\udcff é", Name = "\udcff" };
        Assert.Equal(bare, CacheRecord.Parse(OsText.FromBytes(OsText.ToBytes(bare.ToText()))));
    }

    [Fact]
    public void Whatever_the_name_is_it_is_read_as_it_was_written() => Prop.ForAll<byte[]>(static bytes =>
    {
        var name = OsText.FromBytes([.. bytes.Where(static b => b >= 32 && b is not (127 or (byte)'/')), (byte)'x']);
        var record = s_record with { Name = name, Script = name };
        return name.Any(char.IsControl) || record == CacheRecord.Parse(OsText.FromBytes(OsText.ToBytes(record.ToText())));
    }).Holds();

    [Fact]
    public void A_record_that_is_cut_anywhere_is_not_read()
    {
        var text = s_record.ToText();
        for (var length = 0; length < text.Length; length++)
        {
            Assert.Null(CacheRecord.Parse(text[..length]));
        }
    }

    [Theory]
    [InlineData("run-record 1", "run-record 2")]
    [InlineData("name a b", "name a/b")]
    [InlineData("name a b", "name ..")]
    [InlineData("name a b", "nam a b")]
    [InlineData("sha256 e3b0", "sha256 E3B0")]
    [InlineData("sha256 e3b0", "sha256 3b0")]
    [InlineData("size 123", "size -1")]
    [InlineData("size 123", "size 12x")]
    [InlineData("fetched 1700000000", "fetched 999999999999999")]
    [InlineData("identity ", "identity x")]
    public void A_damaged_record_is_not_read(string right, string wrong)
    {
        Assert.Contains(right, s_record.ToText(), StringComparison.Ordinal);
        Assert.Null(CacheRecord.Parse(s_record.ToText().Replace(right, wrong, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_copy_is_fresh_up_to_its_age_and_not_from_the_future()
    {
        var now = DateTimeOffset.UtcNow;
        CachedScript Checked(TimeSpan ago) => new("/x", s_record with { Checked = now - ago });
        Assert.True(Checked(TimeSpan.FromDays(1000)).IsFresh(null, now));
        Assert.True(Checked(TimeSpan.FromMinutes(1)).IsFresh(TimeSpan.FromHours(1), now));
        Assert.False(Checked(TimeSpan.FromMinutes(61)).IsFresh(TimeSpan.FromHours(1), now));
        Assert.False(Checked(TimeSpan.FromHours(-1)).IsFresh(TimeSpan.FromDays(1), now));
    }
}
