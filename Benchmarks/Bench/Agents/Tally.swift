// Tally: what an agent counts; what it measures.
//
//   loop ── Tally, Readings of the last second ──▶ coordinator, which adds them up
//
// Thread: a pure value.  Allocates: `Readings`, once per second.

import Measure

/// Counts since the last report.
struct Tally: Codable, Equatable, Sendable {
    /// Connections that have become ready.
    var opened = 0
    /// Connections that could not be opened.
    var failed = 0
    /// Connections that ended although nobody wanted them to.
    var dropped = 0
    /// Connections that the server cut because they did not read.
    var cut = 0
    /// Of all connections, open right now. Not a sum over time.
    var openCount = 0
    /// Broadcasts received for the first time, warm-up included.
    var deliveries = 0
    /// Those of the measured time.
    var measuredDeliveries = 0
    var duplicates = 0
    var reordered = 0
    var lost = 0
    /// Records or messages that are not what was sent.
    var malformed = 0
    /// Pings of the server.
    var pings = 0
    /// Echoes, or orders that came back as a push.
    var finished = 0
    /// Messages sent by this agent's own load: broadcasts by a hub method, orders.
    var sent = 0
    var bytes = 0
    var handshakes = 0
    var resumed = 0

    mutating func add(_ other: Tally) {
        opened += other.opened
        failed += other.failed
        dropped += other.dropped
        cut += other.cut
        openCount += other.openCount
        deliveries += other.deliveries
        measuredDeliveries += other.measuredDeliveries
        duplicates += other.duplicates
        reordered += other.reordered
        lost += other.lost
        malformed += other.malformed
        pings += other.pings
        finished += other.finished
        sent += other.sent
        bytes += other.bytes
        handshakes += other.handshakes
        resumed += other.resumed
    }
}

/// The kinds of latency.
enum Reading: Int, CaseIterable, Sendable {
    /// Phases of opening a connection.
    case tcp, tls, negotiate, upgrade, handshake
    /// All phases of one connection.
    case connect
    /// From the intended time of a message to its receipt.
    case fanout, echo, order
    /// From the intended time of a broadcast to its last recipient.
    case fanoutLast
    /// From the intended time of an order to the answer of its POST.
    case post
    /// From the intended time of a broadcast to a plain subscriber of the same Redis.
    case redis
    /// How late the generator itself was.
    case lateness
    /// One TLS handshake, full and resumed.
    case fullHandshake, resumedHandshake

    /// In the result.
    var name: String {
        switch self {
        case .fanoutLast: "fanout_last"
        case .fullHandshake: "tls_full"
        case .resumedHandshake: "tls_resumed"
        default: "\(self)"
        }
    }
}

/// One histogram per kind that has values.
///
/// `@unchecked`: histograms are objects, but they are made by this type alone and given to nobody who
/// keeps them; a `Readings` that is passed to another thread is not used any more where it was.
struct Readings: @unchecked Sendable {
    private var histograms = [Histogram?](repeating: nil, count: Reading.allCases.count)

    /// To be read at once.
    subscript(_ reading: Reading) -> Histogram? { histograms[reading.rawValue] }

    mutating func record(_ reading: Reading, _ nanoseconds: UInt64) {
        histogram(reading).record(nanoseconds)
    }

    mutating func add(_ reading: Reading, _ other: Histogram) {
        if other.count > 0 { histogram(reading).add(other) }
    }

    mutating func add(_ other: Readings) {
        for reading in Reading.allCases {
            if let values = other[reading] { add(reading, values) }
        }
    }

    private mutating func histogram(_ reading: Reading) -> Histogram {
        if let histogram = histograms[reading.rawValue] { return histogram }
        let histogram = Histogram()
        histograms[reading.rawValue] = histogram
        return histogram
    }
}
