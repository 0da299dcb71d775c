using FsCheck;

namespace Run.Tests.Infra;

/// <summary>Properties that hold for any input: a hundred random ones are tried, and the smallest that fails is shown.</summary>
internal static class Properties
{
    public static void Holds(this Property property) => property.Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true));
}
