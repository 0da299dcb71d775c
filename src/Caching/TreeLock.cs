using Microsoft.Win32.SafeHandles;
using Run.Naming;
using Run.Reporting;

namespace Run.Caching;

/// <summary>The lock of a tree's directory, which is held while something in it is changed, and not while a server is asked.</summary>
internal sealed class TreeLock(TreeCache trees, TreeUrl tree) : IDisposable
{
    private SafeFileHandle? _handle;

    /// <summary>Waits until this process alone changes the tree. Does nothing if it has the lock.</summary>
    /// <exception cref="RunException">69: another process does not release it. 73, 77: the directory cannot be used.</exception>
    public void Take() => _handle ??= trees.Lock(tree);

    public void Release()
    {
        _handle?.Dispose();
        _handle = null;
    }

    public void Dispose() => Release();
}
