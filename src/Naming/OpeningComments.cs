namespace Run.Naming;

/// <summary>What the comments that a script begins with say, in whatever language.</summary>
internal static class OpeningComments
{
    private const int MostLines = 80;
    private const string Php = "<?php";

    // PEP 723: "# /// script", then TOML in comments, then "# ///".
    private const string MetadataMark = "# ///";

    private static readonly string[] s_docstrings = ["\"\"\"", "'''"];

    /// <summary>How lines for programs begin, and lines that say who owns the script.</summary>
    private static readonly string[] s_directives =
    [
        "shellcheck ", "vim:", "vi:", "ex:", "coding:", "coding=", "encoding:", "frozen_string_literal:", "typed:", "warn_indent:",
        "rubocop:", "pylint:", "flake8:", "mypy:", "ruff:", "type:", "noqa", "fmt:", "isort:", "eslint-disable", "eslint-env ",
        "use strict", "use asm", "SPDX-", "Copyright", "(c) ", "©", "All rights reserved",
    ];

    /// <summary>How the paragraphs of the common licences begin.</summary>
    private static readonly string[] s_licences =
    [
        "Licensed under ", "License:", "This program is free software", "This program is distributed in the hope",
        "You should have received a copy", "This file is part of ", "You may obtain a copy of the License",
        "Unless required by applicable law", "Permission is hereby granted", "Permission to use, copy", "The above copyright notice",
        "THE SOFTWARE IS PROVIDED", "Redistribution and use in source",
    ];

    /// <summary>The first line of prose; empty if there is none.</summary>
    public static string Prose(string script)
    {
        // What ends a comment of several lines, or the metadata, that the line is in; and whether its paragraph is a licence's.
        string? end = null;
        var (isMetadata, isLicence) = (false, false);
        foreach (var raw in script.Split('\n').Take(MostLines))
        {
            var line = raw.Trim();
            if (isMetadata)
            {
                isMetadata = line != MetadataMark;
                continue;
            }

            line = end is null && line.StartsWith(Php, StringComparison.Ordinal) ? line[Php.Length..].TrimStart() : line;
            if (line.Length == 0 || line.StartsWith("#!", StringComparison.Ordinal))
            {
                isLicence = false;
                continue;
            }

            if (end is null && line.StartsWith(MetadataMark + " ", StringComparison.Ordinal))
            {
                isMetadata = true;
                continue;
            }

            if (end is null && !IsComment(line))
            {
                return "";
            }

            var opened = end is null ? Opened(line) : (At: 0, End: end);
            end = opened.End is { } close && line.IndexOf(close, opened.At, StringComparison.Ordinal) < 0 ? close : null;

            var text = line[opened.At..].TrimStart('#', '/', '-', ';', '*', '"', '\'', '!', ' ', '\t').TrimEnd('*', '/', '"', '\'', ' ');
            isLicence = text.Length > 0 && (isLicence || Begins(s_licences, text));
            if (!isLicence && text.Where(char.IsLetter).Skip(2).Any() && text.Contains(' ', StringComparison.Ordinal)
                && !line.Contains("-*-", StringComparison.Ordinal) && !Begins(s_directives, text))
            {
                return text;
            }
        }

        return "";
    }

    private static bool IsComment(string line) =>
        line[0] is '#' or ';' or '*' or '"' or '\'' || line.StartsWith("//", StringComparison.Ordinal)
        || line.StartsWith("/*", StringComparison.Ordinal) || line.StartsWith("--", StringComparison.Ordinal)
        || Opened(line).End is not null;

    /// <summary>Where a comment that may have several lines begins in this one, and what ends it; null for any other.</summary>
    private static (int At, string? End) Opened(string line)
    {
        // Python's strings may have a letter before them.
        var start = line[0] is 'r' or 'R' or 'u' or 'U' ? 1 : 0;
        foreach (var quotes in s_docstrings)
        {
            if (string.CompareOrdinal(line, start, quotes, 0, quotes.Length) == 0)
            {
                return (start + quotes.Length, quotes);
            }
        }

        return line.StartsWith("/*", StringComparison.Ordinal) ? (2, "*/") : (0, null);
    }

    private static bool Begins(string[] beginnings, string text) =>
        beginnings.Any(one => text.StartsWith(one, StringComparison.OrdinalIgnoreCase));
}
