// NativeThread: a POSIX thread that runs one body and can be joined or let go.
//
// Thread: made on one thread, joined or let go once by any.  Allocates: the thread's stack.
// Source: man 3 pthread_create.

import CLinux
import Glibc

public struct NativeThread: Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let handle: pthread_t

    /// Starts `body` at once. The kernel shows at most 15 bytes of the name.
    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: String(name.prefix(15)), body: body)
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { raw in
                let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
                clinux_name_thread(start.name)
                start.body()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        // EAGAIN: the process may have no more threads. A server that cannot start its few threads
        // cannot run.
        precondition(result == 0, "pthread_create failed with errno \(result)")
        self.handle = handle
    }

    /// Waits for the end of the body. Call once.
    public func join() {
        let result = pthread_join(handle, nil)
        precondition(result == 0, "pthread_join failed with errno \(result)")
    }

    /// Lets the thread end by itself, unobserved. Call once, and not after `join`.
    public func detach() {
        let result = pthread_detach(handle)
        precondition(result == 0, "pthread_detach failed with errno \(result)")
    }
}
