using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Run.Posix;

/// <summary>
/// OpenSSL's own judgement of a certificate, with OpenSSL's own way to the trusted ones: <c>SSL_CERT_FILE</c>, <c>SSL_CERT_DIR</c>
/// or what the distribution built in. The runtime uses the same library for TLS, but in order to judge a certificate it first
/// reads every file of the system's store, which takes longer than all the rest of a fetch.
/// </summary>
internal static unsafe class OpenSsl
{
    // In the order in which the runtime looks for them, so that both take the same one; the number of libcrypto goes with it. It does not
    // know OpenSSL 4 yet (dotnet/runtime#125619), and would abort the process if that were all there is: so .so.4 comes with that runtime.
    private static readonly string[] s_versions = [".so.3", ".so.1.1"];

    private const int AddDirectoryCommand = 2, FileTypeDefault = 3;
    private const uint NoPartialWildcards = 4;

    // 112 bits: no RSA below 2048 and no SHA-1, as OpenSSL has it itself since 3.2 and the distributions since long before.
    private const int SecurityLevel = 2;

    private static readonly Lazy<nint> s_crypto = new(static () => Load("libcrypto"));

    /// <summary>Whether there is a library to speak TLS with. Without one the runtime would abort the process, so ask before.</summary>
    public static bool IsThere { get; } = Load("libssl") != 0 && s_crypto.Value != 0;

    /// <summary>The file of all trusted certificates: by SSL_CERT_FILE, or the one that is built in.</summary>
    public static string CertificateFile => Place("X509_get_default_cert_file_env", "X509_get_default_cert_file");

    /// <summary>Whether the certificate is what a TLS server of that name should have, and a trusted authority stands behind it.</summary>
    /// <param name="certificate">The server's own, in DER.</param>
    /// <param name="others">What the server sent along, in DER: possible links to an authority, trusted for nothing.</param>
    /// <param name="trusted">Trusted certificates, beside those in the directory; null: all that OpenSSL's defaults lead to.</param>
    /// <param name="host">The name or the address that was connected to.</param>
    /// <returns>0, or an X509_V_ERR_ number of x509_vfy.h and how far from the server's own the certificate is that it is about.</returns>
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

            // What failed on the way is left in the thread's queue, where the next call of the runtime would find it.
            ((delegate* unmanaged<void>)Function("ERR_clear_error"))();
        }
    }

    /// <summary>OpenSSL's words for an error of <see cref="Verify"/>.</summary>
    public static string Describe(int error) =>
        Text(((delegate* unmanaged<nint, byte*>)Function("X509_verify_cert_error_string"))(error));

    /// <summary>What was said of it, and never "all is well": where nothing was judged, that is a failure too.</summary>
    private static int Error(nint context)
    {
        const int Unspecified = 1;
        return ((delegate* unmanaged<nint, int>)Function("X509_STORE_CTX_get_error"))(context) is not 0 and var error ? error : Unspecified;
    }

    /// <summary>The certificate must be for a TLS server, and for this one.</summary>
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

    /// <summary>The directory of trusted certificates, by SSL_CERT_DIR or built in. Its files are read as they are asked for.</summary>
    private static bool AddDirectory(nint store)
    {
        var method = ((delegate* unmanaged<nint>)Function("X509_LOOKUP_hash_dir"))();
        var lookup = ((delegate* unmanaged<nint, nint, nint>)Function("X509_STORE_add_lookup"))(store, method);
        fixed (byte* path = OsText.ToCString(Place("X509_get_default_cert_dir_env", "X509_get_default_cert_dir")))
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

#pragma warning disable RS0030 // Only a fetch asks.
    private static string Place(string variable, string builtIn) => EnvironmentVariables.Get(Say(variable)) ?? Say(builtIn);
#pragma warning restore RS0030

    /// <summary>Calls a function that takes nothing and returns a text.</summary>
    private static string Say(string function) => Text(((delegate* unmanaged<byte*>)Function(function))());

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
