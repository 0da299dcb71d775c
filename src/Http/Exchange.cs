using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Run.Http.Auth;
using Run.Http.Tls;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// One fetch: a request, its redirects, the answer, and the body, which is written to a file. Every failure becomes a
/// <see cref="RunException"/>, or a <see cref="TransientException"/> if another try may succeed.
/// </summary>
internal sealed class Exchange : IDisposable
{
    private static readonly string s_agent = $"run/{typeof(Exchange).Assembly.GetName().Version!.ToString(3)}";

    private readonly FetchRequest _request;
    private readonly Stream _into;
    private readonly long _maxBytes;
    private readonly Progress _progress;
    private readonly Credentials _credentials;
    private readonly Proxies _proxies = new();
    private readonly ServerCertificate _certificate = new();
    private HttpMessageInvoker? _plain, _secure;

    // Of the latest connection of the present request. There is one request at a time, and each has a connection of its own.
    private BodyByteCounter? _counter;

    /// <param name="maxBytes">How many bytes the body may have.</param>
    public Exchange(FetchRequest request, Stream into, long maxBytes, Progress progress)
    {
        (_request, _into, _maxBytes, _progress) = (request, into, maxBytes, progress);
        _credentials = new Credentials(request.Headers, Origin.Of(new Uri(request.Url)));
    }

    public void Dispose()
    {
        _plain?.Dispose();
        _secure?.Dispose();
    }

    /// <summary>One try, from the connection to the last byte.</summary>
    /// <param name="deadline">When the answer must have begun. A body that is arriving by then may continue.</param>
    public async Task<FetchResult> TryAsync(Uri asked, bool conditional, Deadline deadline)
    {
        using var response = await FollowAsync(asked, conditional, deadline).ConfigureAwait(false);
        var url = response.RequestMessage!.RequestUri!;
        var shown = UrlText.Redacted(url.AbsoluteUri);
        if (response.StatusCode == HttpStatusCode.NotModified && conditional)
        {
            var kept = Validator(response.Headers, "ETag") ?? _request.ETag;
            return new FetchResult(NotModified: true, "", 0, kept, Date(response, kept) ?? _request.LastModified, shown);
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw FailedResponse.Failure(response, url, shown);
        }

        var stall = deadline.Least(Limits.Stall);
        var body = new Body(response, shown, _maxBytes, stall > Limits.ShortestStall ? stall : Limits.ShortestStall, _progress);
        var (sha256, size) = await body.SaveAsync(_into, _counter, _request).ConfigureAwait(false);
        var tag = Validator(response.Headers, "ETag");
        return new FetchResult(NotModified: false, sha256, size, tag, Date(response, tag), shown);
    }

    private async Task<HttpResponseMessage> FollowAsync(Uri asked, bool conditional, Deadline deadline)
    {
        var hop = asked;
        for (var redirects = 0; ; redirects++)
        {
            CheckScheme(hop);
            if (!Origin.Of(hop).IsPlain)
            {
                // Meanwhile the name is looked up and the connection made.
                ThreadPool.QueueUserWorkItem(static _ => OpenSsl.Prepare());
            }

            var response = await SendAsync(asked, hop, conditional, deadline).ConfigureAwait(false);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
            {
                return response;
            }

            using (response)
            {
                var next = Target(hop, response);
                if (redirects == Limits.Redirects)
                {
                    throw new RunException(
                        ExitStatus.Unavailable, $"{UrlText.Redacted(asked.AbsoluteUri)} is redirected more than {Limits.Redirects} times");
                }

                var (from, to) = (UrlText.Redacted(hop.AbsoluteUri), UrlText.Redacted(next.AbsoluteUri));
                if (!Origin.Of(hop).IsPlain && Origin.Of(next).IsPlain)
                {
                    throw new RunException(
                        ExitStatus.Refused,
                        $"{from} is redirected from https to http, where anyone on the network could change it",
                        $"the redirect points to {to}");
                }

                Messages.Step(() => $"{from}: redirected to {to}");
                hop = next;
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri asked, Uri hop, bool conditional, Deadline deadline)
    {
        using var timeout = new CancellationTokenSource(deadline.Least(Limits.HeadersTimeout));
        var request = new HttpRequestMessage(HttpMethod.Get, WithoutUser(hop)) { Version = HttpVersion.Version11 };
        _credentials.AddTo(request.Headers, asked, hop);
        AddIfMissing(request.Headers, "Accept", "*/*");
        AddIfMissing(request.Headers, "Accept-Encoding", _request.AsItIs ? "identity" : "gzip, br, deflate");
        AddIfMissing(request.Headers, "User-Agent", s_agent);

        // There is only one request per connection.
        request.Headers.ConnectionClose = true;
        if (conditional && _request.ETag is { } tag)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }

        if (conditional && _request.LastModified is { } date)
        {
            request.Headers.TryAddWithoutValidation("If-Modified-Since", date);
        }

        _counter = null;
        try
        {
            return await Http(hop).SendAsync(request, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw TransientException.Unavailable($"{Peer(hop)} does not answer");
        }
        catch (HttpRequestException e)
        {
            throw Failure(e, hop);
        }
    }

    /// <summary>
    /// The options of TLS are created only if there may be TLS, to the server or to a proxy: .NET's begin with reading the time zone.
    /// </summary>
    private HttpMessageInvoker Http(Uri hop) =>
        Origin.Of(hop).IsPlain && !_proxies.Any ? _plain ??= Http(options: null) : _secure ??= Http(_certificate.Options());

    private HttpMessageInvoker Http(SslClientAuthenticationOptions? options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = _proxies.Any,
            Proxy = _proxies.Any ? _proxies : null,
            ActivityHeadersPropagator = null,
            ConnectTimeout = Limits.Connect,
            MaxResponseHeadersLength = Limits.HeadersKiB,
            MaxResponseDrainSize = 0,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            ConnectCallback = ConnectAsync,
            PlaintextStreamFilter = (context, _) => ValueTask.FromResult<Stream>(_counter = new BodyByteCounter(context.PlaintextStream)),
        };
        if (options is not null)
        {
            handler.SslOptions = options;
        }

        return new HttpMessageInvoker(handler);
    }

    /// <summary>
    /// Connects for the request, and again if it is sent again with a password, after an answer. If a connection is closed without any
    /// answer, .NET repeats the request three times at once, and every CONNECT to a proxy as well. Here that is the end of the try:
    /// whether there is another, and when, is decided in <see cref="Retries"/>.
    /// </summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        if (_counter is { HasAnswer: false })
        {
            throw new HttpIOException(HttpRequestError.ResponseEnded);
        }

        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        return new NetworkStream(await Connector.ConnectAsync(host, port, stop).ConfigureAwait(false), ownsSocket: true);
    }

    /// <summary>Refuses plain http if somebody else could change the script, and https if there is no OpenSSL.</summary>
    private void CheckScheme(Uri hop)
    {
        var origin = Origin.Of(hop);
        if (hop.Scheme is not ("http" or "https") || origin.Host.Length == 0)
        {
            throw new RunException(
                ExitStatus.Unavailable, $"{UrlText.Redacted(hop.AbsoluteUri)}: only https:// and http:// URLs are fetched");
        }

        if (origin.IsPlain && !_request.PlainHttpAllowed && _request.Digest is null && !_request.IsKnown)
        {
            PlainHttp.Check(hop, _proxies);
        }

        if (!origin.IsPlain && !OpenSsl.IsThere)
        {
            throw new RunException(
                ExitStatus.Unavailable,
                $"{UrlText.Redacted(hop.AbsoluteUri)}: https needs OpenSSL, but neither libssl.so.3 nor libssl.so.1.1 was found",
                "install the package libssl3, openssl-libs or openssl");
        }
    }

    private static Uri Target(Uri hop, HttpResponseMessage response)
    {
        var shown = UrlText.Redacted(hop.AbsoluteUri);
        if (!response.Headers.NonValidated.TryGetValues("Location", out var location)
            || !Uri.TryCreate(hop, location.ToString(), out var target))
        {
            throw new RunException(
                ExitStatus.Unavailable, $"{shown} is redirected ({(int)response.StatusCode}), but without a valid Location");
        }

        // With a user name and password there, the server would choose what this user sends to another server.
        return WithoutUser(target);
    }

    /// <summary>Names a failure of HTTP or below it, and decides whether it may be transient.</summary>
    private Exception Failure(HttpRequestException e, Uri hop)
    {
        if (_certificate.Refusal is { } refusal)
        {
            return refusal;
        }

        var peer = Peer(hop);
        if (Descriptors.AreScarce())
        {
            // The runtime says it only of the socket itself, and not of what it needs to wait for one.
            return SocketFailure(SocketError.TooManyOpenSockets, peer);
        }

        if (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            && Inner<SocketException>(e) is { } socket)
        {
            return SocketFailure(socket.SocketErrorCode, peer);
        }

        return e.HttpRequestError switch
        {
            HttpRequestError.ProxyTunnelError => TunnelFailure(e, peer, hop),
            HttpRequestError.SecureConnectionError when Inner<AuthenticationException>(e) is not null => new RunException(
                ExitStatus.Unavailable, $"{peer}: the TLS handshake failed; the server may not use TLS, or only old versions of it"),
            HttpRequestError.SecureConnectionError =>
                TransientException.Unavailable($"{peer} closed the connection during the TLS handshake"),
            HttpRequestError.ResponseEnded => ClosedUnanswered(peer),

            // The end of the try in ConnectAsync.
            HttpRequestError.ConnectionError when Inner<HttpIOException>(e) is not null => ClosedUnanswered(peer),
            HttpRequestError.InvalidResponse => new RunException(ExitStatus.Unavailable, $"{peer} sent an answer that is not HTTP"),
            HttpRequestError.ConfigurationLimitExceeded =>
                new RunException(ExitStatus.Unavailable, $"{peer} sent more than {Limits.HeadersKiB} KiB of header fields"),
            _ => TransientException.Unavailable($"{peer} dropped the connection"),
        };
    }

    /// <summary>The proxy did not connect to the server. Its answer, or its silence, counts as that of a server would.</summary>
    private static Exception TunnelFailure(HttpRequestException e, string peer, Uri hop)
    {
        var refusal = new RunException(
            ExitStatus.Unavailable,
            $"{peer} refused to connect to {hop.Host}:{hop.Port}{(e.StatusCode is { } status ? $" ({(int)status})" : "")}",
            e.StatusCode is HttpStatusCode.ProxyAuthenticationRequired ? FailedResponse.ProxyPasswordHint : null);
        return (e.StatusCode, e.InnerException) switch
        {
            (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError, _) =>
                new TransientException(refusal),

            // To give up waiting for a SOCKS proxy, .NET closes the connection.
            (null, IOException { InnerException: SocketException { SocketErrorCode: SocketError.OperationAborted } }
                or ObjectDisposedException) => TransientException.Unavailable($"{peer} does not answer"),
            (null, IOException { InnerException: SocketException }) => TransientException.Unavailable($"{peer} dropped the connection"),

            // What a SOCKS proxy refuses is of a class derived from this one.
            (null, { } inner) when inner.GetType() == typeof(IOException) => ClosedUnanswered(peer),
            _ => refusal,
        };
    }

    private static TransientException ClosedUnanswered(string peer) =>
        TransientException.Unavailable($"{peer} closed the connection without an answer");

    private static Exception SocketFailure(SocketError error, string peer) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData => new RunException(ExitStatus.Unavailable, $"{peer}: no such host"),
        SocketError.TryAgain => TransientException.Unavailable($"{peer}: its address cannot be looked up at the moment"),
        SocketError.ConnectionRefused => TransientException.Unavailable($"{peer}: connection refused"),
        SocketError.NetworkUnreachable => TransientException.Unavailable($"{peer}: the network is unreachable"),
        SocketError.HostUnreachable => TransientException.Unavailable($"{peer}: the host is unreachable"),
        SocketError.TimedOut => TransientException.Unavailable($"{peer} does not answer"),
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown =>
            TransientException.Unavailable($"{peer} dropped the connection"),
        SocketError.TooManyOpenSockets => new RunException(
            ExitStatus.Unavailable, $"{peer}: cannot connect: too many open files", "ulimit -n shows the limit"),
        SocketError.AccessDenied => new RunException(ExitStatus.Unavailable, $"{peer}: cannot connect: not permitted on this machine"),
        _ => TransientException.Unavailable($"{peer}: cannot connect"),
    };

    private static T? Inner<T>(Exception e)
        where T : Exception
    {
        for (var inner = e.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is T found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The other end of the connection, as messages show it.</summary>
    private string Peer(Uri hop) => _proxies.Shown(hop) is { } proxy ? $"the proxy {proxy}" : $"{hop.Host}:{hop.Port}";

    private static Uri WithoutUser(Uri url) => url.UserInfo.Length == 0 ? url : new UriBuilder(url) { UserName = "", Password = "" }.Uri;

    private static void AddIfMissing(HttpRequestHeaders headers, string name, string value)
    {
        if (!headers.Contains(name))
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }

    private static string? Date(HttpResponseMessage response, string? tag) =>
        LastModified.ToAskWith(Validator(response.Content.Headers, "Last-Modified"), response, hasETag: tag is not null);

    /// <summary>
    /// A validator exactly as the server wrote it, with any weak mark or odd date, because it is sent back there. It is also written down,
    /// so one that is not printable ASCII is dropped: no validator needs characters that end a line or hide text.
    /// </summary>
    private static string? Validator(HttpHeaders headers, string name)
    {
        const int MaxLength = 1024;
        return headers.NonValidated.TryGetValues(name, out var values)
            && values.ToString() is { Length: > 0 and <= MaxLength } value
            && value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0
            ? value
            : null;
    }
}
