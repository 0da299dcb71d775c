using System.Text;
using Run.Posix;

namespace Run.Http.Auth;

/// <summary>
/// The file of user names and passwords that ftp(1) introduced, and that curl, git and pip read: <c>~/.netrc</c>, or the one that
/// <c>NETRC</c> names.
/// </summary>
internal static class Netrc
{
    private const int MaxBytes = 1 << 20;

    /// <summary>
    /// User name and password for the host; null if the file has none, or if there is no file that this user can read.
    /// </summary>
    /// <param name="host">A host's name or address without a port, because netrc has no ports.</param>
    /// <param name="user">A user name that is already known, so that only its password is looked up; null: any.</param>
    public static (string User, string Password)? Find(string host, string? user)
    {
        var path = FetchEnvironment.Variable("NETRC") is { Length: > 0 } named ? named
            : FetchEnvironment.Variable("HOME") is ['/', ..] home ? $"{home}/.netrc"
            : null;
        if (path is null)
        {
            return null;
        }

        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).Value;
        return file is not null && Files.Read(file, MaxBytes).Value is { } bytes ? Find(OsText.FromBytes(bytes), host, user) : null;
    }

    /// <summary>The first matching entry wins, as in other programs; <c>default</c> matches every host.</summary>
    public static (string User, string Password)? Find(string text, string host, string? user)
    {
        var matches = false;
        string? login = null, password = null;
        var words = new Words(text);
        while (words.Next() is { } word)
        {
            switch (word)
            {
                case "machine" or "default":
                    if (Entry() is { } found)
                    {
                        return found;
                    }

                    matches = word == "default" || string.Equals(words.Next(), host, StringComparison.OrdinalIgnoreCase);
                    (login, password) = (null, null);
                    break;
                case "login":
                    login = words.Next();
                    break;
                case "password":
                    password = words.Next();
                    break;
                case "account":
                    words.Next();
                    break;
                case "macdef":
                    words.SkipMacro();
                    break;
            }
        }

        return Entry();

        (string, string)? Entry() =>
            matches && (user is null ? login is not null || password is not null : login is null || login == user)
                ? (login ?? user ?? "", password ?? "")
                : null;
    }

    /// <summary>
    /// The words of a netrc: separated by white space, or in double quotes with backslash escapes. A line that begins with <c>#</c> is
    /// a comment.
    /// </summary>
    private sealed class Words(string text)
    {
        private int _at;
        private bool _lineStart = true;

        public string? Next()
        {
            while (_at < text.Length && (char.IsWhiteSpace(text[_at]) || (_lineStart && text[_at] == '#')))
            {
                _at = text[_at] == '#' ? LineEnd() : _at + 1;
                _lineStart |= text[_at - 1] == '\n';
            }

            if (_at >= text.Length)
            {
                return null;
            }

            _lineStart = false;
            var quoted = text[_at] == '"';
            var word = new StringBuilder();
            for (_at += quoted ? 1 : 0; _at < text.Length && !(quoted ? text[_at] == '"' : char.IsWhiteSpace(text[_at])); _at++)
            {
                if (quoted && text[_at] == '\\' && _at + 1 < text.Length)
                {
                    _at++;
                }

                word.Append(text[_at]);
            }

            _at += quoted ? 1 : 0;
            return word.ToString();
        }

        /// <summary>A macro ends at an empty line.</summary>
        public void SkipMacro()
        {
            var end = text.IndexOf("\n\n", _at, StringComparison.Ordinal);
            _at = end < 0 ? text.Length : end + 1;
        }

        private int LineEnd() => text.IndexOf('\n', _at) is >= 0 and var end ? end : text.Length;
    }
}
