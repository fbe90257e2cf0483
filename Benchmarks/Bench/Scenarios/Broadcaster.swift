// Broadcaster: broadcasts by calling a hub method that sends its argument to everybody.
//
//   {"type":1,"target":"<method>","arguments":["<due>:<sequence>:<padding>"]} RS ─▶ hub ─▶ all
//
// For servers without a Redis of ours: anything that speaks SignalR has, or can be given, such a
// method. One client of one agent calls it, without an invocation id: nobody waits for an answer.
//
// Thread: one loop.  Allocates: per broadcast.

import CLinux
import Loop
import Measure

final class Broadcaster {
    private let method: String
    private let record: BroadcastRecord
    private let ratePerSecond: Double
    private unowned let loop: ClientLoop
    private var pacer: Pacer?
    private var sentCount = 0
    private var reportedCount = 0
    let lateness = Histogram()

    init(_ invocation: AgentTask.Invocation, _ record: BroadcastRecord, _ loop: ClientLoop) {
        method = invocation.method
        ratePerSecond = invocation.ratePerSecond
        self.record = record
        self.loop = loop
    }

    func start(at start: UInt64) {
        let schedule = OpenLoop(
            startNanoseconds: max(start, clinux_monotonic_ns()), ratePerSecond: ratePerSecond)
        pacer = Pacer(loop.reactor, schedule) { [unowned self] _, due in send(dueAt: due) }
    }

    func stop() { pacer?.stop() }

    /// Since the last time.
    func takeSentCount() -> Int {
        defer { reportedCount = sentCount }
        return sentCount - reportedCount
    }

    private func send(dueAt due: UInt64) {
        guard let connection = loop.clients.lazy.compactMap(\.connection).first else { return }
        lateness.record(clinux_monotonic_ns() - due)
        let stamp = Stamp(dueNanoseconds: due, sequence: UInt32(sentCount))
        sentCount += 1
        connection.send(
            ClientFrame.record(
                #"{"type":1,"target":"\#(method)","arguments":["\#(record.argument(stamp))"]}"#))
    }
}
