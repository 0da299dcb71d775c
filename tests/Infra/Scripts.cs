using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>Scripts as most tests need them, and their digests.</summary>
internal static class Scripts
{
    /// <summary>A shell script that prints this line.</summary>
    public static string Saying(string line) => $"#!/bin/sh\necho {line}\n";

    /// <summary>The SHA-256 of the text's bytes, as <c>#sha256=</c> takes it.</summary>
    public static string DigestOf(string text) => Sha256.HexOf(OsText.ToBytes(text));
}
