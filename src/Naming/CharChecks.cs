namespace Run.Naming;

/// <summary>
/// Questions about all the characters of a text, as plain loops: every start asks some of them, and LINQ's answer costs it an enumerator and its code.
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

    /// <summary>Whether all are hexadecimal digits, in lower case.</summary>
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

    /// <summary>Whether all are letters and digits of ASCII, or among <paramref name="others"/>.</summary>
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
