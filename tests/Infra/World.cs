using System.Security.Cryptography.X509Certificates;

namespace Run.Tests.Infra;

/// <summary>
/// A sandbox together with a server, which is the default source of its run.conf.
/// <code>
/// await using var world = await World.Serving(("/hello", Saying("hello")));
/// await world.Run("hello").Succeeds("hello\n");
/// Assert.Equal(1, world.Server.Count("/hello"));
/// </code>
/// </summary>
internal static class World
{
    /// <summary>The server answers these paths with these texts. More can be added later.</summary>
    public static async Task<World<ScriptServer>> Serving(params (string Path, string Text)[] scripts) =>
        Of(await ScriptServer.Start(), scripts);

    /// <summary>Like <see cref="Serving"/>, over TLS with this certificate. The host is the one in the URLs.</summary>
    public static async Task<World<ScriptServer>> ServingTls(
        X509Certificate2 certificate, string host, params (string Path, string Text)[] scripts) =>
        Of(await ScriptServer.StartTls(certificate, host), scripts);

    /// <summary>The server sends these answers, byte for byte, one for each request, and then always the last one.</summary>
    public static World<RawServer> Answering(params Func<RawServer.Connection, Task>[] answers)
    {
        var server = RawServer.Start(answers);
        return new World<RawServer>(server, server.Url);
    }

    private static World<ScriptServer> Of(ScriptServer server, (string Path, string Text)[] scripts)
    {
        foreach (var (path, text) in scripts)
        {
            server[path] = text;
        }

        return new World<ScriptServer>(server, server.Url);
    }
}

/// <inheritdoc cref="World"/>
internal sealed class World<TServer> : Sandbox, IAsyncDisposable
    where TServer : IAsyncDisposable
{
    private readonly string _url;

    public World(TServer server, string url)
    {
        (Server, _url) = (server, url);
        Sources(url);
    }

    public TServer Server { get; }

    /// <summary>Writes a run.conf whose default source is the server, in the long form, with these keys: <c>max-age: 1h</c>.</summary>
    public void SourceWith(params string[] keys) =>
        Conf($"sources:\n  default:\n    url: {_url}/%s\n{string.Concat(keys.Select(static key => $"    {key}\n"))}");

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Dispose();
    }
}
