using System.Globalization;
using System.Text;

namespace Run.Reporting;

/// <summary>
/// Characters that a terminal shows as nothing, or as a blank, although they are not one: a script can hide in them what it does from those
/// who read it first. They are shown by their numbers.
/// </summary>
internal static class UnseenCharacters
{
    /// <summary>Whether the character is one of them. Control characters are not: see <see cref="Messages.Printable"/>.</summary>
    public static bool Has(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.SpaceSeparator => rune.Value != ' ',
        _ => IsIgnorable(rune.Value) || IsBlank(rune.Value),
    };

    /// <summary>Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt, without those that are Format.</summary>
    private static bool IsIgnorable(int value) => value is
        0x034f // combining grapheme joiner
        or 0x115f or 0x1160 or 0x3164 or 0xffa0 // fillers of Hangul
        or 0x17b4 or 0x17b5 // inherent vowels of Khmer
        or (>= 0x180b and <= 0x180f) or (>= 0xfe00 and <= 0xfe0f) // variation selectors
        or 0x2065 or (>= 0xfff0 and <= 0xfff8) // reserved for such characters
        or (>= 0xe0000 and <= 0xe0fff); // tags, more variation selectors, and what is reserved

    /// <summary>Those with a glyph that is empty.</summary>
    private static bool IsBlank(int value) => value is
        0x2800 // Braille without a dot
        or 0x13441 or 0x13442 // blanks of Egyptian hieroglyphs
        or 0x16fe4 // filler of Khitan
        or 0x1d159; // note without a head
}
