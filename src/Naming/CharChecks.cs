namespace Run.Naming;

/// <summary>
/// Checks of all characters of a text. They are plain loops because every start needs some of them, and an iterator would cost an
/// enumerator and its code.
/// </summary>
internal static class CharChecks
{
    public static bool HasControl(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether all are lower-case hexadecimal digits.</summary>
    public static bool AreLowerHex(string text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigitLower(c))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether all are ASCII letters or digits, or in <paramref name="others"/>.</summary>
    public static bool AreAlphanumericOr(string others, string text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !others.Contains(c))
            {
                return false;
            }
        }

        return true;
    }
}
