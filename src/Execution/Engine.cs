using Run.Inputs;
using Run.Launching;
using Run.Posix;
using Run.Reporting;

namespace Run.Execution;

/// <summary>The program of a launcher, which this process becomes instead of the script.</summary>
internal static class Engine
{
    /// <summary>The program's path.</summary>
    /// <exception cref="RunException">126: it cannot be executed. 127: there is none.</exception>
    public static string Find(Launcher launcher, ReadSet reads)
    {
        var file = SearchPath.Find(launcher.Program, reads, out var unusable)
            ?? throw (unusable is null ? Missing(launcher) : NotExecutable(launcher, unusable));
        return Files.Status(file).Value is null ? throw Missing(launcher)
            : Files.Access(file, AccessBits.Execute) != Errno.None ? throw NotExecutable(launcher, file)
            : file;
    }

    /// <summary>Becomes the program (execve(2)). Returns only if that fails.</summary>
    /// <returns>The failure: 126.</returns>
    /// <exception cref="RunException">126, 127: as <see cref="Find"/>.</exception>
    public static RunException Become(Launcher launcher, string[] argv, ReadSet reads)
    {
        var error = Processes.Execute(Find(launcher, reads), argv);
        return error == Errno.TooBig
            ? new RunException(
                ExitStatus.CannotStart, $"{launcher.Name}: the arguments and the environment are too long for the kernel",
                launcher.Quoting == Quoting.Shell ? "with quoting: shell all arguments are one word, of at most 128 KiB" : null)
            : new RunException(ExitStatus.CannotStart, $"{launcher.Name}: {launcher.Program} cannot be started: {error.Describe()}");
    }

    private static RunException Missing(Launcher launcher) =>
        new(ExitStatus.NotFound, $"{launcher.Name}: no such program: {launcher.Program}", "it is the launcher's command in run.conf");

    private static RunException NotExecutable(Launcher launcher, string file) =>
        new(ExitStatus.CannotStart, $"{launcher.Name}: cannot be executed: {file}", "it is the launcher's command in run.conf");
}
