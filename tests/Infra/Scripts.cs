using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>The scripts that most tests need, and digests.</summary>
internal static class Scripts
{
    /// <summary>A shell script that prints this line.</summary>
    public static string Saying(string line) => $"#!/bin/sh\necho {line}\n";

    /// <summary>The SHA-256 of the text's bytes, as <c>#sha256=</c> takes it.</summary>
    public static string DigestOf(string text) => Sha256.HexOf(OsText.ToBytes(text));
}
