namespace Run.Sequences;

/// <summary>
/// The operators of System.Linq that this program uses, under the same names and with the same meaning: each is evaluated as it is
/// enumerated, and anew each time.
/// </summary>
/// <remarks>
/// The iterators of System.Linq have virtual generic methods (such as <c>Select</c> on the result of <c>Where</c>), so ahead-of-time
/// compilation makes each of them for every pair of types: they were a fifth of all types in the program. The tables of all types are
/// corrected at each start of the runtime, so these cost half of what flock(1) adds to a command. An iterator of C# is a single type.
/// </remarks>
internal static class Sequence
{
    public static IEnumerable<int> Range(int start, int count)
    {
        for (var i = 0; i < count; i++)
        {
            yield return start + i;
        }
    }

    public static IEnumerable<TResult> Select<T, TResult>(this IEnumerable<T> source, Func<T, TResult> selector)
    {
        foreach (var item in source)
        {
            yield return selector(item);
        }
    }

    public static IEnumerable<TResult> Select<T, TResult>(this IEnumerable<T> source, Func<T, int, TResult> selector)
    {
        var index = 0;
        foreach (var item in source)
        {
            yield return selector(item, index++);
        }
    }

    public static IEnumerable<TResult> SelectMany<T, TResult>(this IEnumerable<T> source, Func<T, IEnumerable<TResult>> selector)
    {
        foreach (var item in source)
        {
            foreach (var result in selector(item))
            {
                yield return result;
            }
        }
    }

    public static IEnumerable<T> Where<T>(this IEnumerable<T> source, Func<T, bool> predicate)
    {
        foreach (var item in source)
        {
            if (predicate(item))
            {
                yield return item;
            }
        }
    }

    public static IEnumerable<T> WhereNotNull<T>(this IEnumerable<T?> source) where T : class
    {
        foreach (var item in source)
        {
            if (item is not null)
            {
                yield return item;
            }
        }
    }

    public static IEnumerable<T> Append<T>(this IEnumerable<T> source, T last)
    {
        foreach (var item in source)
        {
            yield return item;
        }

        yield return last;
    }

    public static IEnumerable<T> Concat<T>(this IEnumerable<T> source, IEnumerable<T> others)
    {
        foreach (var item in source)
        {
            yield return item;
        }

        foreach (var item in others)
        {
            yield return item;
        }
    }

    public static IEnumerable<T> Take<T>(this IEnumerable<T> source, int count)
    {
        if (count <= 0)
        {
            yield break;
        }

        foreach (var item in source)
        {
            yield return item;
            if (--count == 0)
            {
                yield break;
            }
        }
    }

    public static IEnumerable<T> Skip<T>(this IEnumerable<T> source, int count)
    {
        foreach (var item in source)
        {
            if (count > 0)
            {
                count--;
            }
            else
            {
                yield return item;
            }
        }
    }

    public static IEnumerable<T> Reverse<T>(this IEnumerable<T> source)
    {
        var items = source.ToArray();
        for (var i = items.Length - 1; i >= 0; i--)
        {
            yield return items[i];
        }
    }

    public static IEnumerable<(T First, TOther Second)> Zip<T, TOther>(this IEnumerable<T> source, IEnumerable<TOther> others)
    {
        using var other = others.GetEnumerator();
        foreach (var item in source)
        {
            if (!other.MoveNext())
            {
                yield break;
            }

            yield return (item, other.Current);
        }
    }

    public static IEnumerable<T> Distinct<T>(this IEnumerable<T> source) => source.DistinctBy(static item => item);

    public static IEnumerable<T> DistinctBy<T, TKey>(this IEnumerable<T> source, Func<T, TKey> key)
    {
        var seen = new HashSet<TKey>();
        foreach (var item in source)
        {
            if (seen.Add(key(item)))
            {
                yield return item;
            }
        }
    }

    /// <summary>Sorted; those with equal keys stay in their order.</summary>
    /// <param name="key">Is asked once for each item.</param>
    public static OrderedSequence<T> OrderBy<T, TKey>(this IEnumerable<T> source, Func<T, TKey> key, IComparer<TKey>? comparer = null) =>
        new(source, items => OrderedSequence<T>.ByKey(items, key, comparer));

    public static bool Any<T>(this IEnumerable<T> source)
    {
        using var enumerator = source.GetEnumerator();
        return enumerator.MoveNext();
    }

    public static bool Any<T>(this IEnumerable<T> source, Func<T, bool> predicate) => source.Where(predicate).Any();

    public static bool All<T>(this IEnumerable<T> source, Func<T, bool> predicate) => !source.Any(item => !predicate(item));

    public static bool Contains<T>(this IEnumerable<T> source, T value) =>
        source.Any(item => EqualityComparer<T>.Default.Equals(item, value));

    /// <summary>The greatest of one or more.</summary>
    public static T Max<T>(this IEnumerable<T> source) where T : struct, IComparable<T>
    {
        T? greatest = null;
        foreach (var item in source)
        {
            greatest = greatest is { } so && so.CompareTo(item) >= 0 ? so : item;
        }

        return greatest!.Value;
    }

    public static T? FirstOrDefault<T>(this IEnumerable<T> source)
    {
        using var enumerator = source.GetEnumerator();
        return enumerator.MoveNext() ? enumerator.Current : default;
    }

    public static T? FirstOrDefault<T>(this IEnumerable<T> source, Func<T, bool> predicate) => source.Where(predicate).FirstOrDefault();

    public static List<T> ToList<T>(this IEnumerable<T> source) => new(source);

    public static T[] ToArray<T>(this IEnumerable<T> source) => new List<T>(source).ToArray();
}
