using System.Collections;

namespace Run.Sequences;

/// <summary>The items of another sequence, sorted anew at each enumeration. Those that compare as equal stay in their order.</summary>
internal sealed class OrderedSequence<T>(IEnumerable<T> source, Comparison<T> compare) : IEnumerable<T>
{
    /// <summary>Those that are equal so far are sorted by another key.</summary>
    public OrderedSequence<T> ThenBy<TKey>(Func<T, TKey> key, IComparer<TKey>? comparer = null)
    {
        comparer ??= Comparer<TKey>.Default;
        return new OrderedSequence<T>(source, (a, b) => compare(a, b) is var order and not 0 ? order : comparer.Compare(key(a), key(b)));
    }

    public IEnumerator<T> GetEnumerator()
    {
        var items = source.ToArray();
        var places = Sequence.Range(0, items.Length).ToArray();
        Array.Sort(places, (a, b) => compare(items[a], items[b]) is var order and not 0 ? order : a.CompareTo(b));
        foreach (var place in places)
        {
            yield return items[place];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
