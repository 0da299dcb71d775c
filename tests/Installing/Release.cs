using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Run.Tests.Installing;

/// <summary>
/// A release by scripts/package, created once for the tests that install it. Its program is a line of sh that starts the binary under test:
/// it behaves the same, and is a thousandth of the size to pack and unpack.
/// </summary>
public sealed class Release : IAsyncLifetime
{
    private readonly Sandbox _box = new();

    internal static string Platform => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    /// <summary>The program that is packaged.</summary>
    internal string Program => _box.Work + "/run";

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
        _box.Put("run", $"#!/bin/sh\nexec {Suite.Binary} \"$@\"\n");
        (await Package(_box, Root, Program).Result()).Check(0);
    }

    public ValueTask DisposeAsync()
    {
        _box.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>scripts/package, for a program that has already been built.</summary>
    internal static Command Package(Sandbox box, string into, string program) =>
        box.Exec(Path.Combine(Suite.Repository, "scripts/package"), "--archive-only")
            .Env("RUN_BINARY", program).Env("RUN_PACKAGES", into).Env("SOURCE_DATE_EPOCH", "1700000000");

    /// <summary>Puts the release on a server, with the directory's layout.</summary>
    internal void ServeOn(ScriptServer server) => Serve(Root, server);

    internal static void Serve(string root, ScriptServer server)
    {
        foreach (var file in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
        {
            server.Bytes(file[root.Length..], File.ReadAllBytes(file), "application/octet-stream");
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
