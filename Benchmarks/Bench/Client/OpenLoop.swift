// OpenLoop: messages are due when they are due, however slow the server is.
//
//   message i is due at start + i / rate             due   |     |     |     |     |
//                                                    sent  |      |          || |
//                                                                             └┴─ late, and counted
//
// The latency of a message counts from its intended time. A generator that waits for a slow answer
// before it sends the next message would leave out exactly the messages that a stall delays.
//
// Thread: a pure value; the pacer has a thread that sleeps.  Allocates: once.
// Source: man 2 clock_nanosleep (absolute times do not add up delays).

import CLinux
import Glibc
import Loop
import Synchronization

struct OpenLoop: Sendable {
    /// On CLOCK_MONOTONIC.
    let startNanoseconds: UInt64
    let ratePerSecond: Double
    private(set) var issuedCount = 0

    init(startNanoseconds: UInt64, ratePerSecond: Double) {
        precondition(ratePerSecond > 0)
        self.startNanoseconds = startNanoseconds
        self.ratePerSecond = ratePerSecond
    }

    /// From the start each time, so that no rounding adds up.
    func dueNanoseconds(of number: Int) -> UInt64 {
        startNanoseconds + UInt64(Double(number) * 1e9 / ratePerSecond)
    }

    /// The next message if its time has come, with its intended time.
    mutating func next(at now: UInt64) -> (number: Int, dueNanoseconds: UInt64)? {
        let due = dueNanoseconds(of: issuedCount)
        guard due <= now else { return nil }
        issuedCount += 1
        return (issuedCount - 1, due)
    }

    /// Sleeps until a moment of CLOCK_MONOTONIC.
    static func sleep(until nanoseconds: UInt64) {
        var moment = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &moment, nil) == EINTR {}
    }
}

/// Wakes a loop when its next message is due: the loop's own timers count in 16 ms.
final class Pacer {
    private var schedule: OpenLoop
    private let isStopped = Flag()
    private let body: (Int, UInt64) -> Void

    /// Seen by both threads.
    private final class Flag: Sendable { let value = Atomic<Bool>(false) }

    /// - Parameter body: called on the loop for each message that is due: its number, its time.
    init(_ reactor: Reactor, _ schedule: OpenLoop, body: @escaping (Int, UInt64) -> Void) {
        self.schedule = schedule
        self.body = body
        let wake = reactor.makeMailbox(of: Void.self) { [weak self] in self?.issue() }
        let (isStopped, copy) = (isStopped, schedule)
        NativeThread(name: "pacer") {
            var schedule = copy
            while !isStopped.value.load(ordering: .relaxed) {
                OpenLoop.sleep(until: schedule.dueNanoseconds(of: schedule.issuedCount))
                let now = clinux_monotonic_ns()
                while schedule.next(at: now) != nil {}
                if !wake.post(()) { return }
            }
        }.detach()
    }

    private func issue() {
        let now = clinux_monotonic_ns()
        while !isStopped.value.load(ordering: .relaxed), let (number, due) = schedule.next(at: now)
        {
            body(number, due)
        }
    }

    /// Nothing more is due.
    func stop() { isStopped.value.store(true, ordering: .relaxed) }
}
