using Run.Posix;

namespace Run.Locking;

/// <summary>The hosts that libpq tries one after the other, from the URL, a service or the environment.</summary>
/// <param name="Hosts">Names, addresses or directories of sockets; an item may be empty.</param>
/// <param name="Addresses">Their addresses; empty if they are to be looked up.</param>
/// <param name="Ports">One for each host, or one for all, or none.</param>
/// <param name="AreShuffled">Whether they are tried in any order (<c>load_balance_hosts</c>).</param>
internal sealed record PlaceHosts(
    IReadOnlyList<string> Hosts, IReadOnlyList<string> Addresses, IReadOnlyList<string> Ports, bool AreShuffled)
{
    private int Count => Math.Max(Hosts.Count, Addresses.Count);

    /// <summary>As settings for libpq.</summary>
    public IEnumerable<(string Name, string Value)> Settings =>
        List("host", Hosts).Concat(List("hostaddr", Addresses)).Concat(List("port", Ports));

    public static PlaceHosts Of(IReadOnlyList<LibPq.Setting> settings)
    {
        return new PlaceHosts(List("host"), List("hostaddr"), List("port"), Value("load_balance_hosts") == "random");

        string Value(string name) => settings.FirstOrDefault(setting => setting.Name == name)?.Value ?? "";

        string[] List(string name) => Value(name) is { Length: > 0 } value ? value.Split(',') : [];
    }

    /// <summary>Those that are left after that one; null if there are none.</summary>
    public PlaceHosts? Without(string host, string port)
    {
        for (var i = 0; i < Count; i++)
        {
            if ((Item(Hosts, i) == host || Item(Addresses, i) == host) && (Item(Ports, i) is "" || Item(Ports, i) == port))
            {
                return Count == 1 || (!AreShuffled && i == Count - 1)
                    ? null
                    : new PlaceHosts(Rest(Hosts, i), Rest(Addresses, i), Rest(Ports, i), AreShuffled);
            }
        }

        return null;
    }

    private static string Item(IReadOnlyList<string> list, int index) => list.Count switch
    {
        0 => "",
        1 => list[0],
        _ => index < list.Count ? list[index] : "",
    };

    private static IEnumerable<(string Name, string Value)> List(string name, IReadOnlyList<string> items) =>
        items.Count > 0 ? [(name, string.Join(',', items))] : [];

    private List<string> Rest(IReadOnlyList<string> items, int without)
    {
        var rest = new List<string>();
        for (var i = 0; i < items.Count; i++)
        {
            if (items.Count < Count || (AreShuffled ? i != without : i > without))
            {
                rest.Add(items[i]);
            }
        }

        return rest;
    }
}
