namespace Run.Tests.Infra;

/// <summary>
/// Writes files while no process is being forked (<see cref="Starter.Writing"/>), so that whatever is written can be executed at once.
/// </summary>
#pragma warning disable RS0030 // This is the one place for which they are banned elsewhere.
internal static class TestFile
{
    public static void Write(string path, string text) => Unforked(() => File.WriteAllText(path, text));

    public static void Write(string path, byte[] bytes) => Unforked(() => File.WriteAllBytes(path, bytes));

    public static void Append(string path, string text) => Unforked(() => File.AppendAllText(path, text));

    /// <summary>Copies a file with its mode.</summary>
    public static void Copy(string from, string to) => Unforked(() => File.Copy(from, to));

    private static void Unforked(Action write)
    {
        Starter.Writing.EnterReadLock();
        try
        {
            write();
        }
        finally
        {
            Starter.Writing.ExitReadLock();
        }
    }
}
