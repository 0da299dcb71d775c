using System.Diagnostics.CodeAnalysis;

namespace Run.Posix;

/// <summary>
/// The result of a system call: a value, or an error. Calls without a value return only the <see cref="Errno"/>. Nothing in this directory
/// throws if a system call fails, and no "last error" is kept for later.
/// </summary>
/// <param name="Value">The type's default if the call failed.</param>
/// <param name="Error"><see cref="Errno.None"/> if it succeeded.</param>
internal readonly record struct Result<T>(T? Value, Errno Error)
{
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Succeeded => Error == Errno.None;

    /// <summary>The value, or the exception that <paramref name="failure"/> creates from the error.</summary>
    public T OrThrow(Func<Errno, Exception> failure) => Succeeded ? Value : throw failure(Error);

    /// <summary>
    /// The value, or the default (null) if there is no such file. Only ENOENT means that. After any other error the file may exist, and its
    /// content must not be ignored, so the error is thrown.
    /// </summary>
    public T? OrAbsent(Func<Errno, Exception> failure) => Error is Errno.None or Errno.NoEntry ? Value : throw failure(Error);

    public static implicit operator Result<T>(T value) => new(value, Errno.None);

    public static implicit operator Result<T>(Errno error) => new(default, error);
}
