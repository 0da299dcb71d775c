using System.Globalization;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Git;

/// <summary>
/// User name and password from a URL. git would hand them to its helpers on their command lines, which every user of the machine can read;
/// the environment only its owner can.
/// </summary>
internal sealed record Credential(string User, string? Password)
{
    private const string UserVariable = "RUN_GIT_USER", PasswordVariable = "RUN_GIT_PASSWORD";

    /// <summary>A credential helper (gitcredentials(7)). What git tells it to store or erase it does not read.</summary>
    public const string Helper =
        $"!f() {{ test \"$1\" != get || printf 'username=%s\\npassword=%s\\n' \"${UserVariable}\" \"${PasswordVariable}\"; }}; f";

    /// <summary>Null if there is no user name in the URL.</summary>
    /// <param name="shown">The URL for messages.</param>
    /// <exception cref="RunException">64: a control character is in it.</exception>
    public static Credential? Of(string url, string shown)
    {
        var bare = UrlText.WithoutUser(url);
        if (bare.Length == url.Length)
        {
            return null;
        }

        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var user = url.Substring(start, url.Length - bare.Length - 1);
        var colon = user.IndexOf(':', StringComparison.Ordinal);
        var found = colon < 0
            ? new Credential(UrlText.Decode(user), null)
            : new Credential(UrlText.Decode(user[..colon]), UrlText.Decode(user[(colon + 1)..]));
        return CharChecks.HasControl(found.User + found.Password)
            ? throw new RunException(ExitStatus.Usage, $"{shown}: a control character in the user name or password")
            : found;
    }

    /// <summary>
    /// What a server may repeat of a URL's user name and password: as they are written in it, decoded, and as HTTP sends them. The longest
    /// first, because one may be part of another. Very short ones are in many words, and hiding them there would show them.
    /// </summary>
    public static IEnumerable<string> Secrets(string url)
    {
        const int Shortest = 4;
        var authority = UrlText.Authority(url);
        var start = authority.IndexOf("://", StringComparison.Ordinal) + 3;
        if (start < 3 || authority.LastIndexOf('@') is var at && at < start)
        {
            return [];
        }

        var secrets = new HashSet<string>(StringComparer.Ordinal);
        var typed = authority[start..at];
        foreach (var user in (ReadOnlySpan<string>)[typed, UrlText.Decode(typed)])
        {
            secrets.UnionWith([user, .. user.Split(':', 2), Convert.ToBase64String(OsText.ToBytes(user))]);
        }

        return secrets.Where(static secret => secret.Length >= Shortest).OrderBy(static secret => -secret.Length);
    }

    public void AddTo(List<string> environment)
    {
        if (Password is not null)
        {
            environment.AddRange([$"{UserVariable}={User}", $"{PasswordVariable}={Password}"]);
            return;
        }

        // Without a password, the name is for the user's own credential helper. It may be a token, so it is on no command line either.
        const string Count = "GIT_CONFIG_COUNT=";
        var last = environment.FindLastIndex(static v => v.StartsWith(Count, StringComparison.Ordinal));
        var count = last >= 0 && int.TryParse(environment[last].AsSpan(Count.Length), CultureInfo.InvariantCulture, out var n) ? n : 0;
        environment.RemoveAll(static v => v.StartsWith(Count, StringComparison.Ordinal));
        environment.AddRange(
        [
            string.Create(CultureInfo.InvariantCulture, $"{Count}{count + 1}"),
            string.Create(CultureInfo.InvariantCulture, $"GIT_CONFIG_KEY_{count}=credential.username"),
            string.Create(CultureInfo.InvariantCulture, $"GIT_CONFIG_VALUE_{count}={User}"),
        ]);
    }
}
