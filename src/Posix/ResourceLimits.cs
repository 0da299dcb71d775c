namespace Run.Posix;

/// <summary>getrlimit(2): the soft limits that this program checks.</summary>
internal static unsafe class ResourceLimits
{
    private const int FileSizeResource = 1, DescriptorResource = 7;

    /// <summary>RLIMIT_FSIZE: the largest file that this process can write, in bytes.</summary>
    public static Result<long> FileSize => Soft(FileSizeResource);

    /// <summary>RLIMIT_NOFILE: one more than the highest descriptor that this process can open.</summary>
    public static Result<long> Descriptors => Soft(DescriptorResource);

    private static Result<long> Soft(int resource)
    {
        nuint* limits = stackalloc nuint[2];
        return NativeMethods.getrlimit(resource, limits) != 0 ? NativeMethods.LastError : (long)Math.Min((ulong)limits[0], long.MaxValue);
    }
}
