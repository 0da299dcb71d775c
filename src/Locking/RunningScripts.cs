namespace Run.Locking;

/// <summary>Who holds which of the user's locks, as it was at one moment.</summary>
internal sealed class RunningScripts
{
    private readonly Dictionary<string, Holder> _byKey = [];
    private readonly Dictionary<string, Holder> _byName = [];

    private RunningScripts()
    {
    }

    /// <exception cref="Reporting.RunException">73: the locks cannot be read.</exception>
    public static RunningScripts Now(string stateDirectory)
    {
        var running = new RunningScripts();
        foreach (var path in LockFile.All(stateDirectory))
        {
            if (LockFile.Find(path) is not { } file)
            {
                continue;
            }

            if (file.Holders() is [var holder, ..])
            {
                running._byKey[path[(path.LastIndexOf('/') + 1)..]] = holder;
                if (file.Record is { } record)
                {
                    running._byKey[record.Key] = holder;
                    running._byName[record.Script] = holder;
                }
            }

            file.Close();
        }

        return running;
    }

    /// <summary>A process that runs the script; null if there is none.</summary>
    /// <param name="key">The stored form of its identity: see <see cref="LockRequest.Key"/>.</param>
    /// <param name="name">SCRIPT as typed. A pinned script is locked by the URL that SCRIPT names, not by the pinned one.</param>
    public Holder? Holder(string key, string? name) =>
        _byKey.GetValueOrDefault(key) ?? (name is null ? null : _byName.GetValueOrDefault(name));
}
