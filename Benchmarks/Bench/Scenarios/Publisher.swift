// Publisher: sends broadcasts by the clock, or as many as fit.
//
//   open loop     message i is published at start + i / rate, late or not
//   --rate max    at most `window` broadcasts under way: the next when one has reached everybody
//
// Thread: publishes on a thread of its own while the coordinator watches.  Allocates: per broadcast.

import CLinux
import Loop
import Measure

final class Publisher {
    private let redis: RedisPublisher
    private let record: BroadcastRecord
    private let rate: Rate
    private let window: Int
    /// Of bench itself, on the same channel.
    private let ownSubscriberCount: Int
    private let crew: Crew
    private(set) var publishedCount = 0
    /// From the intended time to the moment Redis is asked.
    let lateness = Histogram()

    /// How long a full window may stand still before the next broadcast is sent anyway.
    private static let stallTimeout: Duration = .seconds(5)

    init(
        _ redis: RedisPublisher, _ record: BroadcastRecord, _ rate: Rate, window: Int,
        ownSubscriberCount: Int, _ crew: Crew
    ) {
        self.redis = redis
        self.record = record
        self.rate = rate
        self.window = window
        self.ownSubscriberCount = ownSubscriberCount
        self.crew = crew
    }

    /// Publishes until a moment of CLOCK_MONOTONIC; returns then.
    func run(until end: UInt64, _ run: LoadRun) throws(BenchError) {
        let outcome = Monitor<Result<Void, BenchError>?>(nil)
        // The coordinator only waits meanwhile: the publisher is that thread's alone.
        let publisher = Handover(value: self)
        let thread = NativeThread(name: "publisher") {
            let result = Result { () throws(BenchError) in try publisher.value.publish(until: end) }
            outcome.update { $0 = result }
        }
        try run.watch { outcome.wait(atMost: .seconds(1)) { $0 } != nil }
        thread.join()
        try outcome.withLock { $0 }?.get()
    }

    private struct Handover: @unchecked Sendable { let value: Publisher }

    private func publish(until end: UInt64) throws(BenchError) {
        switch rate {
        case .perSecond(let rate):
            var schedule = OpenLoop(
                startNanoseconds: clinux_monotonic_ns(), ratePerSecond: rate)
            while schedule.dueNanoseconds(of: schedule.issuedCount) < end {
                OpenLoop.sleep(until: schedule.dueNanoseconds(of: schedule.issuedCount))
                guard let (_, due) = schedule.next(at: clinux_monotonic_ns()) else { continue }
                try publish(dueAt: due)
            }
        case .most:
            while clinux_monotonic_ns() < end {
                let (published, window) = (publishedCount, window)
                _ = crew.state.wait(atMost: Self.stallTimeout) { state in
                    published - state.completedCount < window ? true : nil
                }
                try publish(dueAt: clinux_monotonic_ns())
            }
        }
    }

    private func publish(dueAt due: UInt64) throws(BenchError) {
        let stamp = Stamp(dueNanoseconds: due, sequence: UInt32(publishedCount))
        lateness.record(clinux_monotonic_ns() - due)
        publishedCount += 1
        guard try redis.publish(record.bytes(stamp)) > ownSubscriberCount else {
            throw BenchError(
                description: "nobody subscribes to the channel; the servers must use this redis "
                    + "and the channel of --channel")
        }
    }
}
