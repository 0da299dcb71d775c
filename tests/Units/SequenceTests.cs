using FsCheck;
using FsCheck.Fluent;
using Ours = Run.Sequences.Sequence;

namespace Run.Tests.Units;

/// <summary>Each operator compared with System.Linq's of the same name.</summary>
public sealed class SequenceTests
{
    private static readonly StringComparer s_byteOrder = StringComparer.Ordinal;

    [Fact]
    public void Every_operator_gives_what_LINQ_gives() =>
        Prop.ForAll(Words().ToArbitrary(), Words().ToArbitrary(), Same).Holds();

    [Fact]
    public void Nothing_is_enumerated_before_it_is_asked_for_nor_more_than_that()
    {
        var asked = 0;
        var numbers = Ours.Select(Ours.Range(0, 10), n =>
        {
            asked = n;
            return n;
        });
        Assert.Equal(0, asked);
        Assert.True(Ours.Any(numbers, static n => n == 3));
        Assert.Equal(3, asked);
        Assert.Equal([0, 1], Ours.ToArray(Ours.Take(numbers, 2)));
        Assert.Equal(1, asked);
        Assert.Empty(Ours.ToArray(Ours.Take(Forbidden(), 0)));
    }

    [Fact]
    public void A_key_is_computed_once()
    {
        var asked = 0;
        var sorted = Ours.OrderBy(Ours.Range(0, 100), n =>
        {
            asked++;
            return n % 7;
        });
        Assert.Equal(100, Ours.ToArray(sorted).Length);
        Assert.Equal(100, asked);
    }

    private static IEnumerable<int> Forbidden()
    {
        Assert.Fail("enumerated");
        yield break;
    }

    /// <summary>Short, and often equal or null.</summary>
    private static Gen<string?[]> Words() => Gen.Elements<string?>("", "a", "b", "A", "ab", "ba", null).ArrayOf();

    private static void Same(string?[] a, string?[] b)
    {
        static int Length(string? word) => word?.Length ?? -1;

        Assert.Equal(a.Select(Length), Ours.Select(a, Length));
        Assert.Equal(a.Select((word, i) => $"{word}{i}"), Ours.Select(a, (word, i) => $"{word}{i}"));
        Assert.Equal(a.SelectMany(_ => b), Ours.SelectMany(a, _ => b));
        Assert.Equal(a.Where(static word => word is "a"), Ours.Where(a, static word => word is "a"));
        Assert.Equal(a.OfType<string>(), Ours.WhereNotNull(a));
        Assert.Equal(a.Append("x"), Ours.Append(a, "x"));
        Assert.Equal(a.Concat(b), Ours.Concat(a, b));
        Assert.Equal(a.Take(b.Length), Ours.Take(a, b.Length));
        Assert.Equal(a.Skip(b.Length), Ours.Skip(a, b.Length));
        Assert.Equal(Enumerable.Reverse(a), Ours.Reverse(a));
        Assert.Equal(a.Zip(b), Ours.Zip(a, b));
        Assert.Equal(a.Distinct(), Ours.Distinct(a));
        Assert.Equal(a.DistinctBy(Length), Ours.DistinctBy(a, Length));
        Assert.Equal(
            a.OrderBy(Length).ThenBy(static word => word, s_byteOrder),
            Ours.OrderBy(a, Length).ThenBy(static word => word, s_byteOrder));

        // Those with equal keys stay in their order.
        var numbered = a.Select(static (word, i) => (word, i)).ToArray();
        Assert.Equal(numbered.OrderBy(static one => one.word, s_byteOrder), Ours.OrderBy(numbered, static one => one.word, s_byteOrder));
        Assert.Equal(a.Length > 0, Ours.Any(a));
        Assert.Equal(a.Any(b.Contains), Ours.Any(a, word => Ours.Contains(b, word)));
        Assert.Equal(a.All(b.Contains), Ours.All(a, word => Ours.Contains(b, word)));
        Assert.Equal(a.FirstOrDefault(), Ours.FirstOrDefault(a));
        Assert.Equal(a.FirstOrDefault(static word => word is "b" or "ab"), Ours.FirstOrDefault(a, static word => word is "b" or "ab"));
        Assert.Equal(a, Ours.ToList(Ours.ToArray(a)));
        Assert.Equal(a.Select(Length).Append(0).Max(), Ours.Max(Ours.Append(Ours.Select(a, Length), 0)));
    }
}
