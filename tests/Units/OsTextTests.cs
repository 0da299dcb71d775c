using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Run.Posix;

namespace Run.Tests.Units;

public sealed class OsTextTests
{
    [Fact]
    public void Any_bytes_come_back_as_they_were() =>
        Prop.ForAll<byte[]>(static bytes => OsText.ToBytes(OsText.FromBytes(bytes)).AsSpan().SequenceEqual(bytes)).Holds();

    [Fact]
    public void Two_texts_of_different_bytes_differ() =>
        Prop.ForAll<byte[], byte[]>(static (one, other) =>
            one.AsSpan().SequenceEqual(other) == (OsText.FromBytes(one) == OsText.FromBytes(other))).Holds();

    /// <summary>Random bytes hardly ever begin a character; these often do.</summary>
    [Fact]
    public void Bytes_that_are_nearly_UTF_8_come_back_as_they_were()
    {
        byte[] likely = [0x41, 0x7f, 0x80, 0xbf, 0xc2, 0xc3, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xff, 0];
        var texts = Gen.ArrayOf(Gen.Elements(likely)).ToArbitrary();
        Prop.ForAll(texts, static bytes => OsText.ToBytes(OsText.FromBytes(bytes)).AsSpan().SequenceEqual(bytes)).Holds();
    }

    [Fact]
    public void Text_that_is_UTF_8_is_what_it_says() => Prop.ForAll<NonNull<string>>(static text =>
    {
        var bytes = Encoding.UTF8.GetBytes(text.Get);
        return OsText.FromBytes(bytes) == Encoding.UTF8.GetString(bytes);
    }).Holds();

    [Fact]
    public void A_byte_that_is_no_character_has_a_surrogate_of_its_own()
    {
        Assert.Equal("a\udcff😀\udc80é", OsText.FromBytes([(byte)'a', 0xff, 0xf0, 0x9f, 0x98, 0x80, 0x80, 0xc3, 0xa9]));
        Assert.Equal([0xff, 0], OsText.ToCString("\udcff"));
        // A surrogate encoded in UTF-8, and an overlong slash: neither is UTF-8.
        Assert.Equal("\udced\udcb2\udc80", OsText.FromBytes([0xed, 0xb2, 0x80]));
        Assert.Equal("\udcc0\udcaf", OsText.FromBytes([0xc0, 0xaf]));
    }
}
