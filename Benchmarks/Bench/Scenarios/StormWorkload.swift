// StormWorkload: TLS connections, hundreds on their way at one time, until all are in.
//
//   begin ─▶ dial ─▶ TCP ─▶ TLS ─▶ GET /health/live ─▶ 200: in, and the next is dialled
//                                                   └▶ stays until `rest`
//
// Thread: one loop.  Allocates: per connection.

import CLinux
import Loop
import Measure
import WS

final class StormWorkload: Workload {
    /// Far more than the server takes handshakes in a tick.
    private static let openingCountMax = 500

    private let count: Int
    private var startedCount = 0
    private var isRunning = false
    private var connections: [Connection] = []
    private let latencies = Histogram()
    private var tally = Tally()

    init(_ loop: ClientLoop, count: Int) {
        self.count = count
        super.init(loop)
    }

    override func begin(at start: UInt64) {
        isRunning = true
        for _ in 0..<Self.openingCountMax { dialNext() }
    }

    override func rest() {
        isRunning = false
        for connection in connections { connection.closeAfterFlush() }
        connections = []
    }

    private func dialNext() {
        guard isRunning, startedCount < count else { return }
        let number = startedCount
        startedCount += 1
        let origin = loop.target(of: number).http.origin
        let newcomer = Newcomer(self, authority: origin.authority)
        loop.dialer.dial(
            loop.endpoint(of: origin, client: number), timeout: loop.openTimeout,
            handler: newcomer
        ) { [self] error in failed(error.description) }
    }

    fileprivate func isIn(_ connection: Connection, nanoseconds: UInt64) {
        latencies.record(nanoseconds)
        tally.handshakes += 1
        connections.append(connection)
        dialNext()
    }

    fileprivate func failed(_ reason: String) {
        tally.failed += 1
        loop.count(error: "a newcomer: \(reason)")
        dialNext()
    }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.add(tally)
        tally = Tally()
        progress.readings.add(.fullHandshake, latencies)
        latencies.reset()
    }
}

/// One connection of the storm.
private final class Newcomer: ConnectionHandler {
    private let workload: StormWorkload
    private let authority: String
    private let start = clinux_monotonic_ns()
    private var isIn = false

    init(_ workload: StormWorkload, authority: String) {
        self.workload = workload
        self.authority = authority
    }

    override func opened(_ connection: Connection) {
        connection.send(Array("GET /health/live HTTP/1.1\r\nHost: \(authority)\r\n\r\n".utf8))
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        if !isIn {
            isIn = true
            workload.isIn(connection, nanoseconds: clinux_monotonic_ns() - start)
        }
        return bytes.count
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        if !isIn { workload.failed("closed without an answer (\(reason))") }
    }
}
