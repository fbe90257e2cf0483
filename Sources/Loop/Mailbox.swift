// Mailbox: the only way into a loop from another thread.
//
//   any thread ── post ──▶ [messages] ──▶ wake (eventfd) ──▶ loop ── drain ──▶ receiver(message)
//
// Thread: `post` from any; the receiver runs on the loop.  Allocates: when the queue grows.
// Source: man 2 eventfd.

import CLinux
import Synchronization

/// Wakes a loop out of epoll_wait. One write per sleep, however many messages are posted.
package final class Waker: Sendable {
    let descriptor: Int32
    /// True from the first wake until the loop has begun to drain.
    private let isArmed = Atomic<Bool>(false)

    package init() throws(SystemError) {
        descriptor = try SystemError.check(clinux_eventfd(), "eventfd")
    }

    deinit { _ = clinux_close(descriptor) }

    func wake() {
        if isArmed.exchange(true, ordering: .acquiringAndReleasing) { return }
        var one: UInt64 = 1
        // Can only fail with EAGAIN, when the counter is full: then the loop is awake already. A wake
        // lost to a signal would be the last one: nobody writes while `isArmed`.
        while clinux_write(descriptor, &one, 8) == -Int(EINTR) {}
    }

    /// Called by the loop before it drains, so that a message posted later wakes it again.
    package func disarm() {
        var count: UInt64 = 0
        _ = clinux_read(descriptor, &count, 8)
        // An exchange and no store: it sees what was posted by those whom it keeps from waking.
        _ = isArmed.exchange(false, ordering: .acquiringAndReleasing)
    }
}

/// A queue of messages for one receiver on one loop.
///
/// Made on the loop with `Reactor.makeMailbox`; may be copied to and posted from any thread.
public final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waker: Waker
    /// Spares the loop, which looks into all its mailboxes whenever it is woken, the empty ones.
    private let isFilled = Atomic<Bool>(false)

    package init(waker: Waker) { self.waker = waker }

    /// Queues `message`; returns false, and drops it, once the loop has ended.
    @discardableResult public func post(_ message: Message) -> Bool {
        let accepted = state.withLock { state in
            if state.isClosed { return false }
            state.messages.append(message)
            isFilled.store(true, ordering: .releasing)
            return true
        }
        if accepted { waker.wake() }
        return accepted
    }

    /// False if there is nothing to take. What is posted behind this look wakes the loop again.
    var hasMessages: Bool { isFilled.load(ordering: .acquiring) }

    /// Takes all messages at once; the lock is held for a swap only.
    package func takeAll() -> [Message] {
        state.withLock { state in
            isFilled.store(false, ordering: .relaxed)
            var taken: [Message] = []
            swap(&taken, &state.messages)
            return taken
        }
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.messages = []
        }
    }
}
