using Run.CommandLine;
using Run.Starting;

namespace Run.Acts;

/// <summary>The main job: the script takes the place of this process.</summary>
internal static class Become
{
    /// <summary>Does not return but by an exception: afterwards there is no <c>run</c>.</summary>
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        Locks.Take(wanted, surroundings, invocation);
        var path = wanted.Local is { } local ? LocalFile.Checked(local, wanted) : Copies.Get(wanted, surroundings, invocation.Update).Path;
        var launch = Launch.Of(path, wanted.Shown, invocation.Interpreter, surroundings.Configuration);
        launch.CheckEnv();
        Voice.Step(() => $"becomes {Words.Join(launch.Arguments(invocation.Arguments))}");
        throw launch.Become([.. invocation.Arguments]);
    }
}
