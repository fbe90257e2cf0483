// ConsumerFeed: deliveries on their way from the loop to the worker thread of one consumer.
//
//   waiting ─ started ─▶ flowing ⟲ deliver … take ─ failed ─▶ over
//      └────────────────────── failed ─────────────────────────▶ over
//
// A feed belongs to one channel of one connection. When that is gone the feed is over for good, and
// its worker makes a new one.
//
// Thread: written by the loop, read by one worker thread.  Allocates: when the window grows.

import Loop

final class ConsumerFeed: Sendable {
    private struct State: Sendable {
        var isFlowing = false
        var isWoken = false
        var deliveries: [AMQPDelivery] = []
        var failure: String?
    }

    let queue: String
    private let tagBase: Int64
    private let state = Monitor(State())

    /// - Parameter serial: of this feed among those of the process.
    init(queue: String, serial: Int64) {
        self.queue = queue
        // 48 bits are enough for a century of deliveries on one channel.
        tagBase = (serial & 0x7FFF) << 48
    }

    /// A name that no other feed gives, so that a delivery cannot be settled on a later channel
    /// where its tag means another message.
    func name(ofTag tag: UInt64) -> Int64 { tagBase | Int64(tag & 0xFFFF_FFFF_FFFF) }

    /// The channel's own tag.
    func tag(ofName name: Int64) -> UInt64 { UInt64(name & 0xFFFF_FFFF_FFFF) }

    // MARK: Loop

    func started() { state.update { $0.isFlowing = true } }

    func deliver(_ deliveries: [AMQPDelivery]) { state.update { $0.deliveries += deliveries } }

    /// The first reason stays. What was not taken is the broker's again.
    func fail(_ reason: String) {
        state.update { state in
            if state.failure == nil { state.failure = reason }
            state.deliveries = []
        }
    }

    /// Ends the wait of `take`, for good; from any thread.
    func wake() { state.update { $0.isWoken = true } }

    // MARK: Worker thread

    var failure: String? { state.withLock { $0.failure } }

    /// Nil while there is neither consumer nor failure after `timeout`.
    func waitUntilStarted(atMost timeout: Duration) -> Result<Void, BusError>? {
        state.wait(atMost: timeout) { state -> Result<Void, BusError>? in
            if let failure = state.failure { return .failure(BusError(reason: failure)) }
            return state.isFlowing ? .success(()) : nil
        }
    }

    /// Up to `max`; nothing after `wait`.
    func take(max: Int, wait: Duration) throws(BusError) -> [AMQPDelivery] {
        let result = state.wait(atMost: wait) { state -> Result<[AMQPDelivery], BusError>? in
            if let failure = state.failure { return .failure(BusError(reason: failure)) }
            if state.deliveries.isEmpty { return state.isWoken ? .success([]) : nil }
            let taken = Array(state.deliveries.prefix(max))
            state.deliveries.removeFirst(taken.count)
            return .success(taken)
        }
        return try result?.get() ?? []
    }
}
