using System.Diagnostics.CodeAnalysis;

namespace Run.Posix;

/// <summary>
/// What a system call gave: a value, or the error that it failed with. Calls that give nothing return the <see cref="Errno"/> alone. Nothing
/// in this folder throws for what the system refused, and there is no "last error" to be asked for later.
/// </summary>
/// <param name="Value">The default of its type if the call failed.</param>
/// <param name="Error"><see cref="Errno.None"/> if it succeeded.</param>
internal readonly record struct Result<T>(T? Value, Errno Error)
{
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Succeeded => Error == Errno.None;

    /// <summary>The value; an error becomes the exception that <paramref name="failure"/> makes of it.</summary>
    public T OrThrow(Func<Errno, Exception> failure) => Succeeded ? Value : throw failure(Error);

    /// <summary>
    /// The value, or the default (null) if there is no such file. Only ENOENT says so: whatever else went wrong says nothing about whether the
    /// file is there, and to go on as if it were not would drop what it decides.
    /// </summary>
    public T? OrAbsent(Func<Errno, Exception> failure) => Error is Errno.None or Errno.NoEntry ? Value : throw failure(Error);

    public static implicit operator Result<T>(T value) => new(value, Errno.None);

    public static implicit operator Result<T>(Errno error) => new(default, error);
}
