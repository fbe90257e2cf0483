// HubClient: one connection of the load, from its first SYN to its end.
//
//   negotiating ─▶ connecting ─▶ (securing) ─▶ upgrading ─▶ (handshaking) ─▶ open ─▶ ended
//        └──────────────┴──────────────┴────────────┴──────────────┴─────────────────▲
//
// Each step is timed by itself. 18,000 of these live in one process, so an open one holds nothing
// but numbers.
//
// Thread: one loop.  Allocates: while it is being opened; for a fragmented message.
// Source: RFC 6455 §5.4, §5.5; SignalR HubProtocol.

import CLinux
import Hub
import Loop
import WS

final class HubClient: ConnectionHandler {
    enum State: UInt8 { case new, negotiating, connecting, upgrading, handshaking, open, ended }

    /// The loop outlives its clients; unsafe, because a check per message is not free.
    unowned(unsafe) let loop: ClientLoop
    /// Among the clients of this agent.
    let number: Int32
    private(set) var state = State.new
    /// Does not read what it is sent.
    var isSlow = false
    /// The next broadcast's sequence, for the ledger.
    var expectedSequence: UInt32 = 0
    /// When the message under way was due; 0: none is.
    var sentAt: UInt64 = 0
    private(set) var token: EventToken?
    private var openingStart: UInt64 = 0
    private var phaseStart: UInt64 = 0
    private var fragments: [UInt8]?

    private static let redirectionCountMax = 4

    init(_ loop: ClientLoop, number: Int) {
        self.loop = loop
        self.number = Int32(number)
    }

    /// Nil unless it is open.
    var connection: Connection? {
        guard state == .open, let token else { return nil }
        return loop.reactor.connection(token)
    }

    // MARK: Opening

    func start() {
        openingStart = clinux_monotonic_ns()
        let token = loop.tokens.token(of: loop.setup.firstClient + Int(number))
        let url = loop.target(of: Int(number)).http
        let target = NegotiatedTarget(url: url, accessToken: token)
        if loop.setup.client.isRaw || loop.setup.client.skipsNegotiation {
            connect(target)
        } else {
            state = .negotiating
            negotiate(target, redirectionCount: 0)
        }
    }

    private func negotiate(_ target: NegotiatedTarget, redirectionCount: Int) {
        let request = NegotiateExchange.request(
            target.url, token: target.accessToken, headers: loop.headers)
        let exchange = NegotiateExchange(request, timeout: loop.openTimeout) { [self] result in
            switch result {
            case .failure(let error): fail(error.description)
            case .success(let answer): negotiated(answer, target, redirectionCount)
            }
        }
        loop.dialer.dial(
            loop.endpoint(of: target.url.origin, client: Int(number)), timeout: loop.openTimeout,
            handler: exchange
        ) { exchange.fail("negotiate: \($0.description)") }
    }

    private func negotiated(
        _ answer: NegotiateAnswer, _ target: NegotiatedTarget, _ redirectionCount: Int
    ) {
        var target = target
        if let error = answer.error { return fail("negotiate: \(error)") }
        if let redirection = answer.redirection {
            guard redirectionCount < Self.redirectionCountMax,
                let url = try? TargetURL(redirection).http
            else { return fail("negotiate: redirected too often, or to no URL") }
            target.url = url
            target.accessToken = answer.accessToken ?? target.accessToken
            return negotiate(target, redirectionCount: redirectionCount + 1)
        }
        guard answer.offersWebSockets else {
            return fail("negotiate: the server offers no WebSockets for text")
        }
        // Version 0 knows one id only.
        target.connectionToken = answer.connectionToken ?? answer.connectionID
        loop.record(.negotiate, clinux_monotonic_ns() - openingStart)
        connect(target)
    }

    private func connect(_ target: NegotiatedTarget) {
        state = .connecting
        phaseStart = clinux_monotonic_ns()
        let request = UpgradeRequest.bytes(
            target, token: target.accessToken, headers: loop.headers)
        let opening = Opening(self, request, isEncrypted: target.url.origin.isEncrypted)
        loop.dialer.dial(
            loop.endpoint(of: target.url.origin, client: Int(number)), timeout: loop.openTimeout,
            handler: opening, connected: { [self] in endPhase(.tcp) },
            failed: { [self] in fail($0.description) })
    }

    /// Between `opened` and the first frame: holds the request, so that an open client need not.
    private final class Opening: ConnectionHandler {
        private let client: HubClient
        private let request: [UInt8]
        private let isEncrypted: Bool

        init(_ client: HubClient, _ request: [UInt8], isEncrypted: Bool) {
            self.client = client
            self.request = request
            self.isEncrypted = isEncrypted
        }

        override func opened(_ connection: Connection) {
            if isEncrypted { client.endPhase(.tls) }
            client.begin(connection)
            connection.replaceHandler(with: client)
            connection.send(request)
            connection.armTimer(after: client.loop.openTimeout)
        }
    }

    private func begin(_ connection: Connection) {
        token = connection.token
        state = .upgrading
    }

    private func endPhase(_ reading: Reading) {
        let now = clinux_monotonic_ns()
        loop.record(reading, now - phaseStart)
        phaseStart = now
    }

    private func fail(_ description: String) {
        guard state != .ended else { return }
        state = .ended
        loop.clientFailed(self, description)
    }

    private func fail(_ description: String, _ connection: Connection) {
        fail(description)
        connection.abort()
    }

    private func becomeOpen(_ connection: Connection) {
        state = .open
        loop.record(.connect, phaseStart - openingStart)
        if loop.setup.client.isRaw {
            connection.disarmTimer()
        } else {
            connection.armTimer(after: loop.pingInterval)
        }
        loop.clientOpened(self, connection)
    }

    // MARK: Bytes

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        var offset = 0
        if state == .upgrading {
            offset = upgraded(UnsafeRawBufferPointer(bytes), connection)
        }
        while state == .open || state == .handshaking {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let scan = ServerFrame.scan(
                rest, payloadByteCountMax: loop.setup.client.payloadByteCountMax)
            guard case .complete(let frame) = scan else {
                if case .violation(let violation) = scan {
                    broken("frame: \(violation.rawValue)", connection)
                    return bytes.count
                }
                return offset
            }
            offset += frame.byteCount
            let payload = UnsafeRawBufferPointer(
                rebasing: rest[frame.headerByteCount..<frame.byteCount])
            take(frame, payload, connection)
        }
        return state == .ended ? bytes.count : offset
    }

    private func upgraded(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Int {
        switch UpgradeRequest.answer(bytes) {
        case .incomplete: return 0
        case .refused(let reason):
            fail("upgrade: \(reason)", connection)
            return bytes.count
        case .accepted(let byteCount):
            endPhase(.upgrade)
            if loop.setup.client.isRaw {
                becomeOpen(connection)
            } else {
                state = .handshaking
                connection.send(loop.handshakeFrame)
            }
            return byteCount
        }
    }

    @inline(__always)
    private func take(
        _ frame: ServerFrame, _ payload: UnsafeRawBufferPointer, _ connection: Connection
    ) {
        if !frame.opcode.isControl, frame.isFinal, fragments == nil {
            message(payload, connection)
        } else {
            takeRare(frame, payload, connection)
        }
    }

    /// Control frames and fragments.
    private func takeRare(
        _ frame: ServerFrame, _ payload: UnsafeRawBufferPointer, _ connection: Connection
    ) {
        switch frame.opcode {
        case .ping: connection.send(ClientFrame.make(.pong, Array(payload)))
        case .pong: break
        case .close:
            connection.send(ClientFrame.make(.close, Array(payload.prefix(2))))
            connection.closeAfterFlush()
        case .text, .binary, .continuation:
            let whole = (fragments ?? []) + payload
            guard frame.isFinal else {
                fragments = whole
                return
            }
            fragments = nil
            whole.withUnsafeBytes { message($0, connection) }
        }
    }

    @inline(__always)
    private func message(_ message: UnsafeRawBufferPointer, _ connection: Connection) {
        if state == .open {
            loop.workload.received(message, from: self, connection)
        } else {
            shookHands(message, connection)
        }
    }

    /// The first message holds the answer, and what the server had to say right behind it.
    private func shookHands(_ message: UnsafeRawBufferPointer, _ connection: Connection) {
        guard let end = message.firstIndex(of: HubRecords.separator) else {
            return fail("handshake: the answer is no record", connection)
        }
        do throws(JSONError) {
            let answer = UnsafeRawBufferPointer(rebasing: message[..<end])
            if let refusal = try HubRecords.refusal(answer) {
                return fail("handshake: \(refusal)", connection)
            }
        } catch {
            return fail("handshake: the answer is invalid: \(error)", connection)
        }
        endPhase(.handshake)
        becomeOpen(connection)
        if end + 1 < message.count, state == .open {
            let rest = UnsafeRawBufferPointer(rebasing: message[(end + 1)...])
            loop.workload.received(rest, from: self, connection)
        }
    }

    /// The server does not keep to the protocol.
    private func broken(_ description: String, _ connection: Connection) {
        loop.count(error: description)
        connection.abort()
        if state != .open { fail(description) }
    }

    // MARK: Callbacks

    override func timerFired(_ connection: Connection) {
        guard state == .open else { return fail("\(state): no answer in time", connection) }
        connection.send(loop.pingFrame)
        connection.armTimer(after: loop.pingInterval)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        switch state {
        case .open:
            state = .ended
            loop.clientLost(self, reason)
        case .ended: break
        case .new, .negotiating, .connecting, .upgrading, .handshaking:
            fail("\(state): the server closed the connection")
        }
    }
}
