namespace Run.Locking;

/// <summary>
/// The lock, held by this process until it ends, whatever it becomes. There is nothing to release: the kernel does that,
/// and to close the descriptor would.
/// </summary>
internal sealed record HeldLock(int Descriptor);
