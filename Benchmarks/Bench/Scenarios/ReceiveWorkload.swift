// ReceiveWorkload: the receiving side of every fan-out.
//
//   message ── begins as the last one did ──▶ stamp ──▶ latency, ledger
//          └── else ──▶ its records, read in full ──▶ stamp, and how such messages begin here
//
// Servers write the same record differently (order of members, white space), but one server always
// the same. So the first messages of each connection are read by the JSON scanner and compared with
// what was sent; of the others only the bytes in front of the stamp are compared.
//
// Thread: one loop.  Allocates: for the first messages of a connection; per broadcast when the row
// of arrivals grows.

import CLinux
import Glibc
import Hub
import Loop
import Measure

final class ReceiveWorkload: Workload {
    private let record: BroadcastRecord
    private let slowShare: Double
    private var broadcaster: Broadcaster?

    private var start = UInt64.max
    private var ledger = DeliveryLedger()
    private var tally = Tally()
    private let latencies = Histogram()

    /// What stands in front of the stamp in this server's messages, and behind the padding.
    private var prefix: [UInt8] = []
    private var messageByteCount = 0
    /// Receipts of each broadcast by this agent's clients, by sequence.
    private var arrivals: [UInt32] = []
    private var completions: [AgentReport.Completion] = []
    /// Clients that are expected to receive.
    private var readingCount = 0

    /// Messages of a connection that are read in full.
    private static let checkedMessageCount: UInt32 = 2

    init(
        _ loop: ClientLoop, _ record: BroadcastRecord, slowShare: Double,
        invocation: AgentTask.Invocation?
    ) {
        self.record = record
        self.slowShare = slowShare
        super.init(loop)
        broadcaster = invocation.map { Broadcaster($0, record, loop) }
    }

    override func ready(_ client: HubClient, _ connection: Connection) {
        // Every n-th, so that slow ones are spread over the servers like the others.
        let number = Double(client.number)
        if (number * slowShare).rounded(.down) != ((number + 1) * slowShare).rounded(.down) {
            client.isSlow = true
            connection.pauseReading()
        } else {
            readingCount += 1
        }
    }

    override func lost(_ client: HubClient) { if !client.isSlow { readingCount -= 1 } }

    // MARK: Receiving

    override func received(
        _ message: UnsafeRawBufferPointer, from client: HubClient, _ connection: Connection
    ) {
        if message.count == messageByteCount, client.expectedSequence >= Self.checkedMessageCount,
            prefix.withUnsafeBytes({ memcmp($0.baseAddress!, message.baseAddress!, $0.count) })
                == 0,
            let stamp = Stamp(UnsafeRawBufferPointer(rebasing: message[prefix.count...]))
        {
            deliver(stamp, to: client)
        } else {
            readInFull(message, client)
        }
    }

    @inline(__always)
    private func deliver(_ stamp: Stamp, to client: HubClient) {
        let now = clinux_monotonic_ns()
        let verdict = ledger.take(
            stamp.sequence, of: client.number, expected: &client.expectedSequence)
        switch verdict {
        case .delivered: break
        case .reordered: tally.reordered += 1
        case .duplicate:
            tally.duplicates += 1
            return
        }
        let latency = now &- stamp.dueNanoseconds
        tally.deliveries += 1
        if stamp.dueNanoseconds >= start {
            tally.measuredDeliveries += 1
            latencies.record(latency)
        }
        arrived(stamp.sequence, latency)
    }

    @inline(__always)
    private func arrived(_ sequence: UInt32, _ latency: UInt64) {
        while arrivals.count <= Int(sequence) { arrivals.append(0) }
        arrivals[Int(sequence)] += 1
        if arrivals[Int(sequence)] == UInt32(readingCount) {
            loop.completed([
                AgentReport.Completion(sequence: sequence, lastNanoseconds: latency)
            ])
        }
    }

    private func readInFull(_ message: UnsafeRawBufferPointer, _ client: HubClient) {
        var start = 0
        while start < message.count {
            let rest = UnsafeRawBufferPointer(rebasing: message[start...])
            guard let end = rest.firstIndex(of: HubRecords.separator) else {
                tally.malformed += 1
                return
            }
            read(UnsafeRawBufferPointer(rebasing: rest[..<end]), client)
            start += end + 1
        }
    }

    /// One record without its separator.
    private func read(_ bytes: UnsafeRawBufferPointer, _ client: HubClient) {
        guard let members = HubRecords.members(bytes) else {
            tally.malformed += 1
            return
        }
        switch members.type {
        case 6: tally.pings += 1
        case 1 where members.target == record.target:
            guard let arguments = members.arguments else { return tally.malformed += 1 }
            readBroadcast(bytes, arguments, client)
        case 3 where members.hasError: loop.count(error: "invoke: the method failed")
        case 7: loop.count(error: "the server said goodbye")
        default: break
        }
    }

    private func readBroadcast(
        _ bytes: UnsafeRawBufferPointer, _ arguments: Range<Int>, _ client: HubClient
    ) {
        // `["` and the stamp; white space between them is nobody's habit.
        let text = UnsafeRawBufferPointer(rebasing: bytes[(arguments.lowerBound + 2)...])
        let inner = UnsafeRawBufferPointer(rebasing: bytes[arguments])
        guard inner.count > 4, inner[1] == UInt8(ascii: "\""), let stamp = Stamp(text),
            Array(inner.dropFirst(2).dropLast(2)) == Array(record.argument(stamp).utf8)
        else { return tally.malformed += 1 }
        let prefixByteCount = arguments.lowerBound + 2
        if messageByteCount != bytes.count + 1 || prefix.count != prefixByteCount {
            prefix = Array(bytes[..<prefixByteCount])
            messageByteCount = bytes.count + 1
        }
        deliver(stamp, to: client)
    }

    // MARK: Commands

    override func begin(at start: UInt64) {
        self.start = start
        broadcaster?.start(at: start)
    }

    override func rest() { broadcaster?.stop() }

    override func end(publishedCount: Int) {
        let expected = loop.clients.lazy.filter { !$0.isSlow && $0.state != .new }
            .map(\.expectedSequence)
        tally.lost = ledger.lostCount(publishedCount: publishedCount, expected: expected)
    }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.add(tally)
        tally = Tally()
        if let broadcaster {
            progress.tally.sent += broadcaster.takeSentCount()
            progress.readings.add(.lateness, broadcaster.lateness)
            broadcaster.lateness.reset()
        }
        progress.readings.add(.fanout, latencies)
        latencies.reset()
    }
}
