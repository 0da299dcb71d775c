using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Run.Tests.Infra;

namespace Run.Tests.Installing;

/// <summary>A release as scripts/package makes it of the binary under test, made once for the tests that install it.</summary>
public sealed class Release : IAsyncLifetime
{
    private readonly Sandbox _box = new();

    internal static string Platform => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    /// <summary>The directory that a server of releases serves.</summary>
    internal string Root => _box.Root + "/release";

    internal string Version { get; private set; } = "";

    internal string ArchiveName => $"run-{Version}-{Platform}.tar.gz";

    internal string ArchivePath => $"/download/v{Version}/{ArchiveName}";

    internal string SumsPath => $"/download/v{Version}/SHA256SUMS";

    internal const string LatestSumsPath = "/latest/download/SHA256SUMS";

    internal byte[] Archive => File.ReadAllBytes(Root + ArchivePath);

    internal string Sums => File.ReadAllText(Root + SumsPath);

    public async ValueTask InitializeAsync()
    {
        Version = (await _box.Run("--version").Result()).Stdout.Trim()["run ".Length..];
        (await Package(_box, Root).Result()).Check(0);
    }

    public ValueTask DisposeAsync()
    {
        _box.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>scripts/package, for the binary under test or another one.</summary>
    internal static Command Package(Sandbox box, string into, string? binary = null) =>
        box.Exec(Path.Combine(Suite.Repository, "scripts/package"), "--archive-only")
            .Env("RUN_BINARY", binary ?? Suite.Binary).Env("RUN_PACKAGES", into).Env("SOURCE_DATE_EPOCH", "1700000000");

    /// <summary>Puts the release on a server, in the layout of the directory.</summary>
    internal void ServeOn(ScriptServer server)
    {
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            server.Bytes(file[Root.Length..], File.ReadAllBytes(file), "application/octet-stream");
        }
    }

    /// <summary>What is in the archive, with the mode of each file.</summary>
    internal IEnumerable<string> ArchiveEntries()
    {
        using var tar = new TarReader(new GZipStream(new MemoryStream(Archive), CompressionMode.Decompress));
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            {
                yield return $"{Convert.ToString((int)entry.Mode, 8)} {entry.Uid} {entry.Name}";
            }
        }
    }
}

internal static class ResultExtensions
{
    /// <summary>It must have ended with this status, whatever it printed.</summary>
    public static Result Check(this Result result, int status)
    {
        result.Check(result.Status == status, $"status {status}");
        return result;
    }
}
