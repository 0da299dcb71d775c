using System.Collections;

namespace Run.Sequences;

/// <summary>The items of another sequence, sorted anew at each enumeration. Those that compare as equal stay in their order.</summary>
/// <param name="compare">From all items to what compares two of them, by where they are.</param>
internal sealed class OrderedSequence<T>(IEnumerable<T> source, Func<T[], Comparison<int>> compare) : IEnumerable<T>
{
    /// <summary>Those that are equal so far are sorted by another key.</summary>
    public OrderedSequence<T> ThenBy<TKey>(Func<T, TKey> key, IComparer<TKey>? comparer = null) => new(source, items =>
    {
        var (first, second) = (compare(items), ByKey(items, key, comparer));
        return (a, b) => first(a, b) is var order and not 0 ? order : second(a, b);
    });

    /// <summary>Compares items by their keys, each of which is computed once.</summary>
    public static Comparison<int> ByKey<TKey>(T[] items, Func<T, TKey> key, IComparer<TKey>? comparer)
    {
        var keys = items.Select(key).ToArray();
        comparer ??= Comparer<TKey>.Default;
        return (a, b) => comparer.Compare(keys[a], keys[b]);
    }

    public IEnumerator<T> GetEnumerator()
    {
        var items = source.ToArray();
        var byKeys = compare(items);
        var places = Sequence.Range(0, items.Length).ToArray();
        Array.Sort(places, (a, b) => byKeys(a, b) is var order and not 0 ? order : a.CompareTo(b));
        foreach (var place in places)
        {
            yield return items[place];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
