using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Run.Posix;

/// <summary>
/// Verifies certificates with OpenSSL, against the ones that OpenSSL trusts: from <c>SSL_CERT_FILE</c> and <c>SSL_CERT_DIR</c>, or from the
/// distribution's defaults. The runtime uses the same library for TLS, but before it verifies a certificate it reads every file of the
/// system's store, which takes longer than the rest of a fetch.
/// </summary>
internal static unsafe class OpenSsl
{
    // In the order in which the runtime looks for them, so that both take the same one; the number of libcrypto goes with it. It does not
    // know OpenSSL 4 yet (dotnet/runtime#125619), and would abort the process if that were all there is: so .so.4 comes with that runtime.
    private static readonly string[] s_versions = [".so.3", ".so.1.1"];

    private const int AddDirectoryCommand = 2, FileTypeDefault = 3;
    private const uint NoPartialWildcards = 4;

    // 112 bits: no RSA below 2048 bits and no SHA-1. This is OpenSSL's default since 3.2; distributions have set it for much longer.
    private const int SecurityLevel = 2;

    private static readonly Lazy<nint> s_crypto = new(static () => Load("libcrypto"));

    /// <summary>Whether the libraries for TLS can be loaded. Check this first: without them the runtime aborts the process.</summary>
    public static bool IsThere { get; } = Load("libssl") != 0 && s_crypto.Value != 0;

    /// <summary>
    /// Sets OpenSSL up as the runtime does before its first use, which takes milliseconds. If it fails, that first use reports it.
    /// </summary>
    public static void Prepare()
    {
        try
        {
            // The cheapest question that makes the runtime do it.
#pragma warning disable CA1416 // There is no Windows here.
            _ = SafeEvpPKeyHandle.OpenSslVersion;
#pragma warning restore CA1416
        }
#pragma warning disable CA1031 // Nobody waits for this, and an exception in the pool's thread would end the process.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    /// <summary>The file of trusted certificates: SSL_CERT_FILE, or OpenSSL's built-in path.</summary>
    public static string CertificateFile => DefaultPath("X509_get_default_cert_file_env", "X509_get_default_cert_file");

    /// <summary>X509_verify_cert(3): whether a trusted authority has issued the certificate, for a TLS server of that name.</summary>
    /// <param name="certificate">The server's certificate, in DER.</param>
    /// <param name="others">The other certificates that the server sent, in DER: possible intermediates, not trusted by themselves.</param>
    /// <param name="trusted">Trusted certificates, in addition to those in the directory; null for all of OpenSSL's defaults.</param>
    /// <param name="host">The host name or address that was connected to.</param>
    /// <returns>0, or an X509_V_ERR_ number of x509_vfy.h and the depth in the chain of the certificate that it is about.</returns>
    public static (int Error, int Depth) Verify(byte[] certificate, IEnumerable<byte[]> others, IEnumerable<byte[]>? trusted, string host)
    {
        var pop = (delegate* unmanaged<nint, nint>)Function("OPENSSL_sk_pop");
        var own = Parse(certificate);
        var links = ((delegate* unmanaged<nint>)Function("OPENSSL_sk_new_null"))();
        var store = ((delegate* unmanaged<nint>)Function("X509_STORE_new"))();
        var context = ((delegate* unmanaged<nint>)Function("X509_STORE_CTX_new"))();
        try
        {
            foreach (var other in others)
            {
                if (Parse(other) is not 0 and var link)
                {
                    _ = ((delegate* unmanaged<nint, nint, int>)Function("OPENSSL_sk_push"))(links, link);
                }
            }

            return (trusted is null ? AddDefaults(store) : AddDirectory(store) && AddAll(store, trusted))
                && ((delegate* unmanaged<nint, nint, nint, nint, int>)Function("X509_STORE_CTX_init"))(context, store, own, links) == 1
                && Expect(context, host)
                && ((delegate* unmanaged<nint, int>)Function("X509_verify_cert"))(context) == 1
                ? (0, 0)
                : (Error(context), ((delegate* unmanaged<nint, int>)Function("X509_STORE_CTX_get_error_depth"))(context));
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)Function("X509_STORE_CTX_free"))(context);
            ((delegate* unmanaged<nint, void>)Function("X509_STORE_free"))(store);
            for (var link = pop(links); link != 0; link = pop(links))
            {
                Free(link);
            }

            ((delegate* unmanaged<nint, void>)Function("OPENSSL_sk_free"))(links);
            Free(own);

            // Errors stay in the thread's queue, where the runtime's next call would find them.
            ((delegate* unmanaged<void>)Function("ERR_clear_error"))();
        }
    }

    /// <summary>OpenSSL's text for an error of <see cref="Verify"/>.</summary>
    public static string Describe(int error) =>
        Text(((delegate* unmanaged<nint, byte*>)Function("X509_verify_cert_error_string"))(error));

    /// <summary>The error of the verification, never X509_V_OK: if nothing was verified, that is a failure too.</summary>
    private static int Error(nint context)
    {
        const int Unspecified = 1;
        return ((delegate* unmanaged<nint, int>)Function("X509_STORE_CTX_get_error"))(context) is not 0 and var error ? error : Unspecified;
    }

    /// <summary>Requires a certificate for a TLS server of that name.</summary>
    private static bool Expect(nint context, string host)
    {
        fixed (byte* purpose = "ssl_server\0"u8, name = Encoding.ASCII.GetBytes(host + '\0'))
        {
            if (((delegate* unmanaged<nint, byte*, int>)Function("X509_STORE_CTX_set_default"))(context, purpose) != 1)
            {
                return false;
            }

            var parameters = ((delegate* unmanaged<nint, nint>)Function("X509_STORE_CTX_get0_param"))(context);
            ((delegate* unmanaged<nint, int, void>)Function("X509_VERIFY_PARAM_set_auth_level"))(parameters, SecurityLevel);
            ((delegate* unmanaged<nint, uint, void>)Function("X509_VERIFY_PARAM_set_hostflags"))(parameters, NoPartialWildcards);
            var setAddress = (delegate* unmanaged<nint, byte*, int>)Function("X509_VERIFY_PARAM_set1_ip_asc");
            var setHost = (delegate* unmanaged<nint, byte*, nuint, int>)Function("X509_VERIFY_PARAM_set1_host");
            return (IPAddress.TryParse(host, out _) ? setAddress(parameters, name) : setHost(parameters, name, (nuint)host.Length)) == 1;
        }
    }

    private static bool AddDefaults(nint store) => ((delegate* unmanaged<nint, int>)Function("X509_STORE_set_default_paths"))(store) == 1;

    /// <summary>Adds the directory of trusted certificates: SSL_CERT_DIR, or the built-in path. Its files are read on demand.</summary>
    private static bool AddDirectory(nint store)
    {
        var method = ((delegate* unmanaged<nint>)Function("X509_LOOKUP_hash_dir"))();
        var lookup = ((delegate* unmanaged<nint, nint, nint>)Function("X509_STORE_add_lookup"))(store, method);
        fixed (byte* path = OsText.ToCString(DefaultPath("X509_get_default_cert_dir_env", "X509_get_default_cert_dir")))
        {
            return lookup != 0
                && ((delegate* unmanaged<nint, int, byte*, nint, nint, int>)Function("X509_LOOKUP_ctrl"))(
                    lookup, AddDirectoryCommand, path, FileTypeDefault, 0) == 1;
        }
    }

    private static bool AddAll(nint store, IEnumerable<byte[]> trusted)
    {
        foreach (var certificate in trusted)
        {
            // The store takes a reference of its own, and refuses null (what cannot be parsed).
            var parsed = Parse(certificate);
            var added = ((delegate* unmanaged<nint, nint, int>)Function("X509_STORE_add_cert"))(store, parsed);
            Free(parsed);
            if (added != 1)
            {
                return false;
            }
        }

        return true;
    }

#pragma warning disable RS0030 // Only a fetch reads it.
    private static string DefaultPath(string variable, string builtIn) =>
        EnvironmentVariables.Get(CallForText(variable)) ?? CallForText(builtIn);
#pragma warning restore RS0030

    /// <summary>Calls a function that takes no arguments and returns a C string.</summary>
    private static string CallForText(string function) => Text(((delegate* unmanaged<byte*>)Function(function))());

    private static void Free(nint certificate) => ((delegate* unmanaged<nint, void>)Function("X509_free"))(certificate);

    private static nint Parse(ReadOnlySpan<byte> der)
    {
        fixed (byte* start = der)
        {
            var at = start;
            return ((delegate* unmanaged<nint, byte**, nint, nint>)Function("d2i_X509"))(0, &at, der.Length);
        }
    }

    private static string Text(byte* text) => OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    private static nint Function(string name) => NativeLibrary.GetExport(s_crypto.Value, name);

    private static nint Load(string name)
    {
        foreach (var version in s_versions)
        {
            if (NativeLibrary.TryLoad(name + version, out var library))
            {
                return library;
            }
        }

        return 0;
    }
}
