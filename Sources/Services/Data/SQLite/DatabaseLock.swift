// DatabaseLock: one process serves one embedded database.
//
// The embedded bus keeps its claims in memory, so two processes on one file would both deliver every
// message. The kernel drops the lock with the process, however it ends: no stale lock file to mend.
//
// Thread: open and close.  Source: man 2 flock.

import Glibc

/// An exclusive lock on `<database>.lock`, held until the value is gone.
final class DatabaseLock: Sendable {
    private let descriptor: Int32

    init(database path: String) throws(StoreError) {
        let lockPath = path + ".lock"
        descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        if descriptor < 0 {
            throw .failed(
                "lock file '\(lockPath)' cannot be opened (\(String(cString: strerror(errno)))); "
                    + "check that its folder exists and that this user may write there")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            close(descriptor)
            throw .failed(
                code == EWOULDBLOCK
                    ? "database '\(path)' is served by another process already; "
                        + "stop that one or choose another file"
                    : "database '\(path)' cannot be locked (\(String(cString: strerror(code))))")
        }
    }

    deinit { close(descriptor) }
}
