// Poller: epoll, level-triggered.
//
// Level-triggered, because one recv per readiness event then suffices: what it left is reported
// again, and no second recv is spent on seeing EAGAIN (docs/DECISIONS/0002).
//
// Thread: one loop.  Allocates: once, in init.  Source: man 7 epoll.

import CLinux

/// What a descriptor is watched for.
struct Interest: OptionSet, Equatable {
    /// Epoll's own bits, of which these two stand in the lowest byte.
    let rawValue: UInt8
    static let read = Interest(rawValue: UInt8(EPOLLIN.rawValue))
    static let write = Interest(rawValue: UInt8(EPOLLOUT.rawValue))

    var events: UInt32 { UInt32(rawValue) }
}

/// One epoll instance with the buffer for its events.
struct Poller: ~Copyable {
    /// Events taken per wait; more stay in the kernel for the next tick.
    static let eventCountMax = 512

    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(SystemError) {
        descriptor = try SystemError.check(clinux_epoll_create(), "epoll_create1")
        events = .allocate(capacity: Self.eventCountMax)
    }

    deinit {
        events.deallocate()
        _ = clinux_close(descriptor)
    }

    /// ENOSPC (watch limit) and ENOMEM are the only failures a correct caller sees.
    func add(_ fd: Int32, _ interest: Interest, _ token: EventToken) throws(SystemError) {
        try SystemError.check(
            clinux_epoll_ctl(
                descriptor, Int32(EPOLL_CTL_ADD), fd, interest.events, token.rawValue),
            "epoll_ctl(ADD)")
    }

    /// The descriptor must have been added: any failure is our bug.
    func modify(_ fd: Int32, _ interest: Interest, _ token: EventToken) {
        let result = clinux_epoll_ctl(
            descriptor, Int32(EPOLL_CTL_MOD), fd, interest.events, token.rawValue)
        precondition(result == 0, "epoll_ctl(MOD) failed with errno \(-result)")
    }

    /// The descriptor must have been added: any failure is our bug.
    func remove(_ fd: Int32) {
        let result = clinux_epoll_ctl(descriptor, Int32(EPOLL_CTL_DEL), fd, 0, 0)
        precondition(result == 0, "epoll_ctl(DEL) failed with errno \(-result)")
    }

    /// Waits at most `milliseconds` and returns how many events `event(at:)` holds.
    func wait(milliseconds: Int32) -> Int {
        let count = clinux_epoll_wait(
            descriptor, events, Int32(Self.eventCountMax), milliseconds)
        // EINTR: a debugger or a profiler stopped us; the tick goes on with no events.
        if count == -EINTR { return 0 }
        precondition(count >= 0, "epoll_wait failed with errno \(-count)")
        return Int(count)
    }

    /// Event `index` of the last wait.
    func event(at index: Int) -> (token: EventToken, flags: UInt32) {
        assert(index < Self.eventCountMax)
        return (EventToken(rawValue: events[index].data.u64), events[index].events)
    }
}
