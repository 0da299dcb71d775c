using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>
/// A real web server on loopback, on a port of its own, which answers each path as it was told and records all requests. Paths are as they
/// were sent, not decoded, and may have a query. For what a well-behaved server cannot do there is <see cref="RawServer"/>.
/// </summary>
internal sealed class ScriptServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, RequestDelegate> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Request> _requests = new();
    private readonly ConcurrentBag<Gate> _gates = [];

    private ScriptServer(WebApplication application) => _application = application;

    /// <summary>Scheme, host and port, without a slash at the end.</summary>
    public string Url { get; private set; } = "";

    public int Port => new Uri(Url).Port;

    /// <summary>All requests so far, in order.</summary>
    public Request[] Requests => [.. _requests];

    public static Task<ScriptServer> Start() => Start(static _ => { }, "http://127.0.0.1");

    /// <summary>With TLS. The host is the one in the certificate.</summary>
    public static Task<ScriptServer> StartTls(X509Certificate2 certificate, string host = "127.0.0.1") =>
        Start(options => options.UseHttps(certificate), $"https://{host}");

    private static async Task<ScriptServer> Start(Action<ListenOptions> listen, string origin)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen);
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        var application = builder.Build();
        var server = new ScriptServer(application);
        application.Run(server.Answer);
        await application.StartAsync();
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        server.Url = $"{origin}:{new Uri(address).Port}";
        return server;
    }

    /// <summary>Answers the path with this body, as plain text with a length.</summary>
    public string this[string path]
    {
        set => Bytes(path, OsText.ToBytes(value));
    }

    public void Bytes(string path, byte[] body, string type = "text/plain; charset=utf-8") => Map(path, context =>
    {
        context.Response.ContentType = type;
        return Send(context, body);
    });

    /// <summary>Answers the path with this status and a short text.</summary>
    public void Status(string path, int status) => Map(path, context =>
    {
        context.Response.StatusCode = status;
        return Send(context, $"status {status}\n");
    });

    public void Redirect(string path, string to, int status = 302) => Map(path, context =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = to;
        return Task.CompletedTask;
    });

    /// <summary>An answer for <see cref="Map"/>: a body with its length.</summary>
    public static Task Send(HttpContext context, string body) => Send(context, OsText.ToBytes(body));

    /// <summary>An answer for <see cref="Map"/>: a status and no body.</summary>
    public static Task Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength = status == 304 ? null : 0;
        return Task.CompletedTask;
    }

    private static async Task Send(HttpContext context, byte[] body)
    {
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body);
    }

    /// <summary>Answers the path in any way. A path that is not mapped is 404.</summary>
    public void Map(string path, RequestDelegate answer) => _answers[path] = answer;

    /// <summary>Answers the path with each of these in turn, and then always with the last.</summary>
    public void Sequence(string path, params RequestDelegate[] answers)
    {
        var next = -1;
        Map(path, context => answers[Math.Min(Interlocked.Increment(ref next), answers.Length - 1)](context));
    }

    /// <summary>From now on, requests for the path wait until the gate is opened.</summary>
    public Gate Hold(string path)
    {
        var gate = new Gate();
        _gates.Add(gate);
        var answer = _answers.GetValueOrDefault(path, NotFound);
        Map(path, async context =>
        {
            await gate.Pass().WaitAsync(context.RequestAborted);
            await answer(context);
        });
        return gate;
    }

    public int Count(string path) => _requests.Count(request => request.Path == path);

    public void ForgetRequests() => _requests.Clear();

    public async ValueTask DisposeAsync()
    {
        foreach (var gate in _gates)
        {
            gate.Open();
        }

        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private async Task Answer(HttpContext context)
    {
        var path = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var headers = context.Request.Headers
            .ToDictionary(static h => h.Key, static h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        _requests.Enqueue(new Request(context.Request.Method, path, headers, context.Connection.Id));
        try
        {
            await _answers.GetValueOrDefault(path, NotFound)(context);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            context.Abort(); // the client has closed the connection
        }
    }

    private static Task NotFound(HttpContext context) => Refuse(context, 404);
}

/// <summary>A request as the server saw it. Header names are not case-sensitive.</summary>
internal sealed record Request(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Connection)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>NAME:PASSWORD of basic authentication.</summary>
    public string UserInfo => Encoding.UTF8.GetString(Convert.FromBase64String(Header("authorization")!["Basic ".Length..]));
}

/// <summary>Holds answers back until the test opens it.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the first request has arrived.</summary>
    public Task Reached => _reached.Task.WaitAsync(Eventually.Deadline);

    public void Open() => _opened.TrySetResult();

    internal Task Pass()
    {
        _reached.TrySetResult();
        return _opened.Task;
    }
}
