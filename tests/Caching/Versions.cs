namespace Run.Tests.Caching;

/// <summary>Scripts whose last line says that they are whole, and which version they are.</summary>
internal static class Versions
{
    public static string Script(int version, int lines = 2000) =>
        "#!/bin/sh\n" + string.Concat(Enumerable.Repeat($"v={version} # {new string('.', 40)}\n", lines)) + $"echo whole {version} $v\n";
}
