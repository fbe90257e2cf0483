// ConditionLock: state behind a lock that worker threads can wait on, with a deadline.
//
//   one thread   withLock { change }  ── wakeAll ──▶  another: wait(atMost:) { take what is there }
//
// Synchronization.Mutex has no condition variable, so this is the pthread pair. Deadlines are on the
// monotonic clock: a wall clock that is set back makes nobody sleep longer.
//
// Thread: any, but never a loop: `wait` blocks.  Allocates: in init.
// Source: man 3 pthread_cond_timedwait, man 3 pthread_condattr_setclock.

import Glibc
import Loop

/// A lock, the state it guards and a condition. Waiting threads are woken by `wakeAll` only.
public final class ConditionLock<State: Sendable>: @unchecked Sendable {
    // @unchecked: `state` is touched only between lock and unlock of `mutex`.
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init(_ state: State) {
        self.state = state
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` alone.
    public func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Makes every waiting thread look again.
    public func wakeAll() { pthread_cond_broadcast(condition) }

    /// Changes the state, then makes every waiting thread look again.
    public func withLockThenWakeAll<Result>(_ body: (inout State) -> Result) -> Result {
        defer { wakeAll() }
        return withLock(body)
    }

    /// Asks `take` under the lock, now and after each wake, until it gives a value.
    ///
    /// - Returns: that value, or nil after `limit`.
    public func wait<Result>(atMost limit: Duration, _ take: (inout State) -> Result?) -> Result? {
        let deadline = SystemTime().monotonicNow.advanced(by: limit).nanoseconds
        var until = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = take(&state) { return value }
            if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT {
                return take(&state)
            }
        }
    }
}

/// Tells one waiting thread that there is work. A wake before the wait is not lost.
public final class WakeSignal: Sendable {
    private let isSet = ConditionLock(false)

    public init() {}

    public func wake() { isSet.withLockThenWakeAll { $0 = true } }

    /// Returns at the next wake, at once if there was one since the last wait, or after `limit`.
    public func wait(atMost limit: Duration) {
        _ = isSet.wait(atMost: limit) { (isSet: inout Bool) -> Void? in
            guard isSet else { return nil }
            isSet = false
            return ()
        }
    }
}
