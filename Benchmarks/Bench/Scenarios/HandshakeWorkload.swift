// HandshakeWorkload: TLS handshakes, one behind the other, on as many lanes as there are clients.
//
//   first begin:    full handshakes      lane: dial ─▶ TCP ─▶ TLS ─▶ close ─▶ dial …
//   second begin:   one connection that waits for the server's ticket, then resumed handshakes
//
// TLS 1.3 sends tickets behind the handshake, so that one connection asks for a page and stays until
// something comes back.
//
// Thread: one loop.  Allocates: per handshake.  Source: RFC 8446 §2.2, §4.6.1.

import CLinux
import Loop
import Measure
import WS

final class HandshakeWorkload: Workload {
    private enum Phase { case idle, full, waitingForTicket, resumed }

    private var phase = Phase.idle
    private var hasRunFull = false
    private let full: TLSClientContext
    private let resuming: TLSClientContext
    private let fullLatencies = Histogram()
    private let resumedLatencies = Histogram()
    private var tally = Tally()

    init(_ loop: ClientLoop, full: TLSClientContext, resuming: TLSClientContext) {
        self.full = full
        self.resuming = resuming
        super.init(loop)
    }

    override func begin(at start: UInt64) {
        if hasRunFull {
            phase = .waitingForTicket
            dial(0)
        } else {
            hasRunFull = true
            phase = .full
            startLanes()
        }
    }

    override func rest() { phase = .idle }

    private func startLanes() {
        for number in 0..<loop.setup.clientCount { dial(number) }
    }

    private func dial(_ number: Int) {
        let origin = loop.target(of: number).http.origin
        var endpoint = loop.endpoint(of: origin, client: number)
        endpoint.tls = phase == .full ? full : resuming
        let lane = HandshakeLane(
            self, number, authority: origin.authority, waitsForTicket: phase == .waitingForTicket)
        loop.dialer.dial(
            endpoint, timeout: loop.openTimeout, handler: lane, connected: { lane.connected() }
        ) { [self] error in
            // The lane ends here: a server that refuses is not asked without end.
            loop.count(error: error.description)
            tally.failed += 1
        }
    }

    fileprivate func shookHands(_ connection: Connection, nanoseconds: UInt64) {
        switch phase {
        case .idle, .waitingForTicket: break
        case .full:
            fullLatencies.record(nanoseconds)
            tally.handshakes += 1
        case .resumed where connection.isSessionResumed:
            resumedLatencies.record(nanoseconds)
            tally.resumed += 1
        case .resumed: loop.count(error: "the server did not resume a session")
        }
    }

    fileprivate func closed(_ number: Int) {
        switch phase {
        case .idle: break
        case .full, .resumed: dial(number)
        case .waitingForTicket:
            phase = .resumed
            startLanes()
        }
    }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.add(tally)
        tally = Tally()
        progress.readings.add(.fullHandshake, fullLatencies)
        progress.readings.add(.resumedHandshake, resumedLatencies)
        fullLatencies.reset()
        resumedLatencies.reset()
    }
}

/// One connection of a lane.
private final class HandshakeLane: ConnectionHandler {
    private let workload: HandshakeWorkload
    private let number: Int
    private let authority: String
    private let waitsForTicket: Bool
    private var start: UInt64 = 0

    init(_ workload: HandshakeWorkload, _ number: Int, authority: String, waitsForTicket: Bool) {
        self.workload = workload
        self.number = number
        self.authority = authority
        self.waitsForTicket = waitsForTicket
    }

    func connected() { start = clinux_monotonic_ns() }

    override func opened(_ connection: Connection) {
        workload.shookHands(connection, nanoseconds: clinux_monotonic_ns() - start)
        guard waitsForTicket else { return connection.closeAfterFlush() }
        connection.send(Array("GET /health/live HTTP/1.1\r\nHost: \(authority)\r\n\r\n".utf8))
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.closeAfterFlush()
        return bytes.count
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        workload.closed(number)
    }
}
