namespace Run.Git;

/// <summary>What a fetch does for others that use the same repository.</summary>
/// <param name="Take">Waits until this process alone changes the repository. Does nothing if it does already.</param>
/// <param name="Release">Lets others change it, while the server is asked.</param>
/// <param name="Progressed">Is called when something has arrived, for those who wait for this fetch.</param>
internal sealed record FetchTurn(Action Take, Action Release, Action Progressed)
{
    /// <summary>Nobody else uses it.</summary>
    public static FetchTurn Alone { get; } = new(static () => { }, static () => { }, static () => { });
}
