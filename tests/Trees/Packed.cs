using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Run.Tests.Trees;

/// <summary>Archives for tests of what is done with them; how they are read is tested with those of real programs.</summary>
internal static class Packed
{
    /// <summary>A script that reads a file beside it: it prints what that says, and its arguments.</summary>
    public const string Deploy = "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/common.sh\"\necho \"$common $*\"\n";

    /// <summary>The files that <see cref="Deploy"/> needs.</summary>
    public static (string Path, string Text)[] Tools(string common) =>
    [
        ("bin/deploy", Deploy), ("bin/other", "#!/bin/sh\n# Prints the other thing\necho other\n"), ("lib/common.sh", $"common={common}\n"),
    ];

    /// <summary>Files that begin with #! are executable. A text that begins with -&gt; is the target of a link.</summary>
    public static byte[] Tar(params (string Path, string Text)[] files)
    {
        var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (path, text) in files)
            {
                var isLink = text.StartsWith("->", StringComparison.Ordinal);
                var entry = new PaxTarEntry(isLink ? TarEntryType.SymbolicLink : TarEntryType.RegularFile, path);
                if (isLink)
                {
                    entry.LinkName = text[2..];
                }
                else
                {
                    entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text));
                    entry.Mode = text.StartsWith("#!", StringComparison.Ordinal) ? (UnixFileMode)0x1ed : (UnixFileMode)0x1a4;
                }

                writer.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }

    public static byte[] TarGz(params (string Path, string Text)[] files)
    {
        var bytes = new MemoryStream();
        using (var zipped = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true))
        {
            zipped.Write(Tar(files));
        }

        return bytes.ToArray();
    }

    /// <summary>Serves an archive with an ETag, which is its digest.</summary>
    public static void Archive(this ScriptServer server, string path, byte[] bytes) => server.Map(path, async context =>
    {
        var etag = $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))}\"";
        context.Response.Headers.ETag = etag;
        if (context.Request.Headers.IfNoneMatch == etag)
        {
            context.Response.StatusCode = 304;
            return;
        }

        context.Response.ContentType = "application/gzip";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    });
}
