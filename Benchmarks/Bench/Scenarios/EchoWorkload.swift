// EchoWorkload: messages that come back to whoever sent them.
//
//   raw  frame ─▶ the same bytes          hub  invocation of a method ─▶ completion with its argument,
//                                              or without one where there are no bytes
//
// Without a rate each connection sends its next message when the last one is back: a closed loop, so
// the rate is a capacity, and the latencies are those of a saturated server. With a rate messages are
// due by the clock; one that finds no free connection waits, and its wait counts.
//
// Thread: one loop.  Allocates: for the first answer; when the row of waiting messages grows.

import CLinux
import Glibc
import Loop
import Measure
import WS

final class EchoWorkload: Workload {
    private let frame: [UInt8]
    private let argument: String
    private let isRaw: Bool
    private let ratePerSecond: Double?
    /// The whole message that comes back; with a hub known from the first one on.
    private var answer: [UInt8] = []

    private let latencies = Histogram()
    private let lateness = Histogram()
    private var tally = Tally()
    private var isRunning = false
    private var pacer: Pacer?
    /// Clients with nothing under way, last used last.
    private var idle: [HubClient] = []
    /// Intended times of messages that wait for a client, the first from `waitingStart` on.
    private var waiting: [UInt64] = []
    private var waitingStart = 0

    /// - Parameter method: of the hub; nil sends raw messages.
    init(_ loop: ClientLoop, byteCount: Int, method: String?, ratePerSecond: Double?) {
        self.ratePerSecond = ratePerSecond
        let payload = (0..<byteCount).map { UInt8(UInt8(ascii: "a") + UInt8($0 % 26)) }
        argument = String(decoding: payload, as: UTF8.self)
        if let method {
            isRaw = false
            let arguments = byteCount == 0 ? "" : "\"\(argument)\""
            frame = ClientFrame.record(
                #"{"type":1,"invocationId":"1","target":"\#(method)","arguments":[\#(arguments)]}"#
            )
        } else {
            isRaw = true
            frame = ClientFrame.make(.text, payload)
            answer = payload
        }
        super.init(loop)
    }

    override func begin(at start: UInt64) {
        isRunning = true
        let clients = loop.clients.filter { $0.state == .open }
        if let ratePerSecond {
            idle = clients
            let schedule = OpenLoop(
                startNanoseconds: max(start, clinux_monotonic_ns()), ratePerSecond: ratePerSecond)
            pacer = Pacer(loop.reactor, schedule) { [unowned self] _, due in self.due(due) }
        } else {
            for client in clients {
                if let connection = client.connection {
                    send(client, connection, dueAt: clinux_monotonic_ns())
                }
            }
        }
    }

    override func rest() {
        isRunning = false
        pacer?.stop()
    }

    private func send(_ client: HubClient, _ connection: Connection, dueAt due: UInt64) {
        client.sentAt = due
        tally.sent += 1
        connection.send(frame)
    }

    private func due(_ due: UInt64) {
        while let client = idle.popLast() {
            // One that has ended meanwhile is forgotten.
            guard let connection = client.connection else { continue }
            lateness.record(clinux_monotonic_ns() - due)
            return send(client, connection, dueAt: due)
        }
        waiting.append(due)
    }

    // MARK: Answers

    override func received(
        _ message: UnsafeRawBufferPointer, from client: HubClient, _ connection: Connection
    ) {
        let isAnswer =
            message.count == answer.count
            && answer.withUnsafeBytes { memcmp($0.baseAddress!, message.baseAddress!, $0.count) }
                == 0
        if isAnswer {
            answered(client, connection)
        } else {
            receivedOther(message, client, connection)
        }
    }

    @inline(__always)
    private func answered(_ client: HubClient, _ connection: Connection) {
        guard client.sentAt != 0 else { return tally.duplicates += 1 }
        let now = clinux_monotonic_ns()
        latencies.record(now &- client.sentAt)
        tally.finished += 1
        client.sentAt = 0
        guard isRunning else { return }
        if ratePerSecond == nil { return send(client, connection, dueAt: now) }
        guard waitingStart < waiting.count else { return idle.append(client) }
        let due = waiting[waitingStart]
        waitingStart += 1
        if waitingStart == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            waitingStart = 0
        }
        lateness.record(now - due)
        send(client, connection, dueAt: due)
    }

    /// A hub's ping, its first answer, or something wrong.
    private func receivedOther(
        _ message: UnsafeRawBufferPointer, _ client: HubClient, _ connection: Connection
    ) {
        guard !isRaw, message.last == HubRecords.separator,
            let members = HubRecords.members(UnsafeRawBufferPointer(rebasing: message.dropLast()))
        else { return tally.malformed += 1 }
        switch members.type {
        case 6: tally.pings += 1
        case 3 where members.hasError: loop.count(error: "echo: the method failed")
        case 3:
            let text = String(decoding: message, as: UTF8.self)
            let isWhole = argument.isEmpty || text.contains("\"\(argument)\"")
            guard members.invocationID == "1", isWhole else {
                return tally.malformed += 1
            }
            answer = Array(message)
            answered(client, connection)
        default: tally.malformed += 1
        }
    }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.add(tally)
        tally = Tally()
        progress.readings.add(.echo, latencies)
        progress.readings.add(.lateness, lateness)
        latencies.reset()
        lateness.reset()
    }
}
