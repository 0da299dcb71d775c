using System.Text;

namespace Run.Configuration;

/// <summary>Environment variables in the values of run.conf: <c>${NAME}</c>.</summary>
internal static class VariableExpansion
{
    /// <summary>The fields with their variables expanded. A field with a variable that is unset or empty is left out.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Expand(
        IReadOnlyList<KeyValuePair<string, string>> fields, Func<string, string?> variable)
    {
        var expanded = new List<KeyValuePair<string, string>>();
        foreach (var (name, text) in fields)
        {
            if (Expand(text, variable) is { } value)
            {
                expanded.Add(new(name, value));
            }
        }

        return expanded;
    }

    /// <summary>The first field that is left out, and the variable that it lacks; null if there is none.</summary>
    public static (string Field, string Variable)? FirstUnset(
        IReadOnlyList<KeyValuePair<string, string>> fields, Func<string, string?> variable)
    {
        foreach (var (name, text) in fields)
        {
            string? unset = null;
            if (Expand(text, asked => variable(asked) is { Length: > 0 } value ? value : Unset(asked)) is null && unset is not null)
            {
                return (name, unset);
            }

            string? Unset(string asked)
            {
                unset = asked;
                return null;
            }
        }

        return null;
    }

    /// <summary>The text with its variables expanded; null if one is unset or empty.</summary>
    public static string? Expand(string text, Func<string, string?> variable)
    {
        var expanded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var end = text.AsSpan(i).StartsWith("${") ? text.IndexOf('}', i) : -1;
            if (end < 0)
            {
                expanded.Append(text[i++]);
                continue;
            }

            if (variable(text[(i + 2)..end]) is not { Length: > 0 } value)
            {
                return null;
            }

            expanded.Append(value);
            i = end + 1;
        }

        return expanded.ToString();
    }
}
