using System.Text;
using FsCheck.Fluent;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Library = System.Security.Cryptography.SHA256;

namespace Run.Tests.Units;

public sealed class Sha256Tests
{
    /// <summary>The examples of FIPS 180-2, appendix B, and of NIST's validation suite.</summary>
    [Theory]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    [InlineData(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1")]
    public void Standard_messages(string message, string digest) => Assert.Equal(digest, Sha256.HexOf(Encoding.ASCII.GetBytes(message)));

    [Fact]
    public void A_million_times_the_letter_a()
    {
        var hash = new Sha256();
        var thousand = Encoding.ASCII.GetBytes(new string('a', 1000));
        for (var i = 0; i < 1000; i++)
        {
            hash.Append(thousand);
        }

        Assert.Equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", hash.Finish());
    }

    [Fact]
    public void Every_length_around_the_blocks()
    {
        for (var length = 0; length <= 300; length++)
        {
            var bytes = Enumerable.Range(0, length).Select(static i => (byte)(i * 7)).ToArray();
            Assert.Equal(Convert.ToHexStringLower(Library.HashData(bytes)), Sha256.HexOf(bytes));
        }
    }

    [Fact]
    public void In_pieces_it_is_the_same_as_at_once() => Prop.ForAll<byte[][]>(static pieces =>
    {
        var hash = new Sha256();
        foreach (var piece in pieces)
        {
            hash.Append(piece);
        }

        return hash.Finish() == Convert.ToHexStringLower(Library.HashData(pieces.SelectMany(static piece => piece).ToArray()));
    }).Holds();

    [Fact]
    public void Of_a_file_that_is_larger_than_a_buffer()
    {
        var path = Path.GetTempFileName();
        try
        {
            var bytes = new byte[200_001];
            new System.Random(1).NextBytes(bytes);
            TestFile.Write(path, bytes);
            using SafeFileHandle file = File.OpenHandle(path);
            Assert.Equal(Convert.ToHexStringLower(Library.HashData(bytes)), Sha256.OfFile(file));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
