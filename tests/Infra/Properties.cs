using FsCheck;

namespace Run.Tests.Infra;

/// <summary>What holds for any input: a hundred at random, and the smallest that shows a failure.</summary>
internal static class Properties
{
    public static void Holds(this Property property) => property.Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true));
}
