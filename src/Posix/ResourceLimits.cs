namespace Run.Posix;

/// <summary>getrlimit(2), as far as this program heeds its soft limits.</summary>
internal static unsafe class ResourceLimits
{
    private const int FileSizeResource = 1, DescriptorResource = 7;

    /// <summary>The largest file that this process may write, in bytes.</summary>
    public static Result<long> FileSize => Soft(FileSizeResource);

    /// <summary>One more than the highest descriptor that this process may open.</summary>
    public static Result<long> Descriptors => Soft(DescriptorResource);

    private static Result<long> Soft(int resource)
    {
        nuint* limits = stackalloc nuint[2];
        return NativeMethods.getrlimit(resource, limits) != 0 ? NativeMethods.LastError : (long)Math.Min((ulong)limits[0], long.MaxValue);
    }
}
