// HTTPConnection: runs HTTP/1.1 on one connection.
//
//   received ─▶ RequestParser ─▶ BodyReader ─▶ Router ─▶ handler ─▶ (Responder) ─▶ ResponseWriter
//      ▲                                                                               │
//      └───────── the next request, from the bytes left over, in order ◀───────────────┘
//
// One request is in flight at a time. While a handler has it, further bytes stay unconsumed and
// reading is paused, so a peer that pipelines is held back by TCP and answered strictly in order.
// A large body is queued piece by piece as the socket takes it.
//
// Thread: the connection's loop.  Allocates: per request (its bytes, its answer), nothing per read.
// Source: RFC 9112 §9.3 (persistence), §9.3.2 (pipelining), §9.6 (tear-down); RFC 9110 §10.1.1.

import Loop

private let log = Log("http")

/// The handler of one HTTP connection.
final class HTTPConnection: ConnectionHandler {
    private enum Progress {
        /// So many bytes were used; there may be more to do.
        case consumed(Int)
        /// Nothing more can be done without new bytes.
        case needsMore
    }

    private let server: HTTPServer
    private var machine = HTTPStateMachine()
    private var parser: RequestParser
    private var body: BodyReader?
    /// From the end of its head to the end of its answer.
    private var request: Request?
    private var match: Router.Match?
    /// Of the request, where its route watches its peer.
    private var watch: PeerWatch?
    /// Of the request; nil where it is not recorded.
    private var span: TraceSpan?
    /// Numbers the requests of this connection.
    private var sequence: UInt64 = 0
    private var startedAt = MonotonicInstant(nanoseconds: 0)
    /// Asked for with the first request.
    private var peer: PeerAddress?
    /// Bytes that the last `received` did not consume.
    private var leftoverByteCount = 0
    private var isPaused = false
    /// `continueLater` was asked for, so what is left over will come without the peer's doing.
    private var isContinuing = false
    /// The deadline the connection's timer stands for.
    private var armedDeadline = HTTPStateMachine.Deadline.unlimited
    /// Body of the answer being sent, and how much of it is queued.
    private var outgoing: [UInt8] = []
    private var outgoingOffset = 0

    private var limits: HTTPLimits { server.configuration.limits }

    init(server: HTTPServer) {
        self.server = server
        parser = RequestParser(limits: server.configuration.limits)
    }

    // MARK: Callbacks

    override func opened(_ connection: Connection) { updateTimer(connection) }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        let consumed = read(UnsafeRawBufferPointer(bytes), connection)
        leftoverByteCount = bytes.count - consumed
        switch machine.phase {
        case .closing: return bytes.count
        case .upgraded: return consumed
        case .idle, .readingHead, .readingBody, .responding: break
        }
        updateTimer(connection)
        return consumed
    }

    override func peerClosed(_ connection: Connection) {
        watch?.peerGone()
        let willRead = leftoverByteCount > 0 && (isContinuing || isHeldBack(connection))
        run(machine.peerClosed(hasUnread: willRead), connection)
    }

    override func becameWritable(_ connection: Connection) {
        if outgoingOffset < outgoing.count {
            guard sendPieces(connection) else { return }
            run(machine.responseCompleted(), connection)
        }
        readOn(connection)
        updateTimer(connection)
    }

    override func timerFired(_ connection: Connection) {
        armedDeadline = .unlimited
        if machine.phase == .readingBody {
            do throws(HTTPError) {
                try body?.windowEnded()
            } catch {
                return refuse(error, connection)
            }
        }
        run(machine.deadlinePassed(), connection)
        updateTimer(connection)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        watch?.peerGone()
        server.endUnanswered(span)
        span = nil
    }

    override func drain(_ connection: Connection) {
        run(machine.drained(), connection)
    }

    // MARK: Reading

    /// Reads requests until bytes, budget or room for answers run out; returns the bytes used.
    private func read(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Int {
        var consumed = 0
        isContinuing = false
        let lastSequence = sequence + UInt64(limits.requestCountPerTick)
        while consumed < bytes.count, machine.isReading {
            // Answers with a body wait in `sendPieces`; those without one must not pile up either.
            if connection.isBackpressured { break }
            if sequence == lastSequence {
                isContinuing = true
                connection.continueLater()
                return consumed
            }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
            guard case .consumed(let count) = advance(rest, connection) else {
                run(machine.inputEnded(hasUnread: false), connection)
                return consumed
            }
            consumed += count
        }
        if consumed < bytes.count, isHeldBack(connection) {
            isPaused = true
            connection.pauseReading()
        } else {
            run(machine.inputEnded(hasUnread: false), connection)
        }
        return consumed
    }

    /// True while no further request may be read: one is being answered, or its answers pile up.
    private func isHeldBack(_ connection: Connection) -> Bool {
        if case .responding = machine.phase { return true }
        return machine.isReading && connection.isBackpressured
    }

    /// Goes on with what `read` has left, from outside `received`.
    private func readOn(_ connection: Connection) {
        guard machine.isReading, !connection.isBackpressured else { return }
        if isPaused {
            isPaused = false
            connection.resumeReading()
        } else if leftoverByteCount > 0 {
            isContinuing = true
            connection.continueLater()
        }
        run(machine.inputEnded(hasUnread: leftoverByteCount > 0), connection)
    }

    private func advance(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Progress {
        machine.phase == .readingBody
            ? readBody(bytes, connection) : readHead(bytes, connection)
    }

    private func readHead(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Progress {
        switch parser.parse(bytes.octets.span) {
        case .incomplete:
            machine.headBegan()
            return .needsMore
        case .malformed(let error):
            refuse(error, connection)
            return .consumed(bytes.count)
        case .complete(let head):
            begin(head, bytes, connection)
            return .consumed(head.byteCount)
        }
    }

    /// A head is complete: find its route, and read the body where there is one.
    private func begin(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, _ connection: Connection
    ) {
        let peer = self.peer ?? connection.peerAddress
        self.peer = peer
        let request = Request(
            head: head, bytes: Array(bytes.prefix(head.byteCount)),
            peer: peer, isEncrypted: connection.isEncrypted,
            ingress: server.configuration.ingress, traces: &server.traces)
        self.request = request
        sequence += 1
        startedAt = connection.reactor.now
        server.countRequest()
        let match = server.admit(
            server.router.match(request), request, connection.reactor.pressure)
        self.match = match
        span = server.beginSpan(of: request, match)
        if head.framing == .none || head.framing == .length(0) {
            machine.requestCompleted(
                keepsAlive: head.keepsAlive && !connection.reactor.isLameDuck)
            return dispatch(connection)
        }
        var bodyByteCountMax = limits.bodyByteCountMax
        let isBodyWanted: Bool
        switch match {
        case .route(let route, _):
            bodyByteCountMax = route.bodyByteCountMax ?? bodyByteCountMax
            isBodyWanted = true
        // Whoever takes the connection over must not find the body on it.
        case .upgrade, .stream: isBodyWanted = true
        default: isBodyWanted = false
        }
        do throws(HTTPError) {
            body = try BodyReader(head.framing, byteCountMax: bodyByteCountMax, limits: limits)
        } catch {
            return refuse(error, connection)
        }
        if head.expectsContinue {
            // Nobody wants the body: the final answer comes now, and as the body may come or not,
            // the next request could not be told from it.
            guard isBodyWanted else {
                body = nil
                machine.requestCompleted(keepsAlive: false)
                return dispatch(connection)
            }
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        }
        machine.bodyBegan()
    }

    private func readBody(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Progress {
        do throws(HTTPError) {
            let consumed = try body!.take(bytes)
            if body!.isComplete {
                request!.body = body!.bytes
                body = nil
                machine.requestCompleted(
                    keepsAlive: request!.head.keepsAlive && !connection.reactor.isLameDuck)
                dispatch(connection)
            }
            return .consumed(consumed)
        } catch {
            refuse(error, connection)
            return .consumed(bytes.count)
        }
    }

    // MARK: Answering

    /// The request is complete: let its route answer it.
    private func dispatch(_ connection: Connection) {
        let request = request!
        if let response = server.policy(for: request)?.preflight(request) {
            return send(response, connection)
        }
        switch match! {
        case .route(let route, let parameters):
            let slot = ReplySlot(
                token: connection.token, sequence: sequence, channel: server.replies)
            watch = route.watchesPeer ? PeerWatch() : nil
            route.handler(request, parameters, Responder(slot, watch: watch))
            if machine.peerHasClosed { watch?.peerGone() }
            if let response = slot.handlerReturned() { answer(response, connection) }
        case .upgrade(let handler):
            switch handler(request) {
            case .refuse(let response): answer(response, connection)
            case .accept(let head, let next): upgrade(head, next, connection)
            }
        case .stream(let handler):
            switch handler(request) {
            case .refuse(let response): answer(response, connection)
            case .accept(let makeHandler): stream(makeHandler, connection)
            }
        case let match:
            answer(server.router.answer(match, to: request), connection)
        }
    }

    private func upgrade(_ head: [UInt8], _ next: ConnectionHandler, _ connection: Connection) {
        if machine.isDraining { return answer(.leaving, connection) }
        machine.upgraded()
        server.countUpgrade()
        connection.send(head)
        if isPaused { connection.resumeReading() }
        connection.replaceHandler(with: next)
        next.opened(connection)
    }

    /// The connection is the answer's from here on, and ends with it.
    private func stream(
        _ makeHandler: (StreamAnswer) -> ConnectionHandler, _ connection: Connection
    ) {
        if machine.isDraining { return answer(.leaving, connection) }
        machine.upgraded()
        let next = makeHandler(StreamAnswer(server: server, request: request!, span: span))
        span = nil
        if isPaused { connection.resumeReading() }
        connection.replaceHandler(with: next)
        next.opened(connection)
    }

    /// An answer from another thread, or later from this one. False if nobody waits for it.
    func deliver(_ reply: Reply, on connection: Connection) -> Bool {
        guard case .responding = machine.phase, reply.sequence == sequence, outgoing.isEmpty else {
            return false
        }
        answer(reply.response, connection)
        readOn(connection)
        updateTimer(connection)
        return true
    }

    private func answer(_ response: Response, _ connection: Connection) {
        var response = response
        server.policy(for: request!)?.decorate(&response, to: request!)
        send(response, connection)
    }

    private func send(_ response: Response, _ connection: Connection) {
        write(response, keepsAlive: machine.willKeepAlive, connection)
        if sendPieces(connection) { run(machine.responseCompleted(), connection) }
    }

    private func write(_ response: Response, keepsAlive: Bool, _ connection: Connection) {
        var response = response
        if let value = server.configuration.strictTransportSecurity, connection.isEncrypted {
            response.add("Strict-Transport-Security", value)
        }
        var head: [UInt8] = []
        head.reserveCapacity(512)
        ResponseWriter.appendHead(
            of: response, version: request?.version ?? .http11, keepsAlive: keepsAlive,
            date: server.dateBytes, to: &head)
        connection.send(head)
        if ResponseWriter.sendsBody(of: response, to: request?.method ?? parser.method ?? .get) {
            outgoing = response.body
        }
        server.count(response.status)
        server.end(span, with: response)
        span = nil
        logAccess(response.status, connection)
    }

    /// Queues the answer's body as far as there is room; true when all of it is queued.
    private func sendPieces(_ connection: Connection) -> Bool {
        while outgoingOffset < outgoing.count {
            if connection.isBackpressured { return false }
            let end = min(outgoing.count, outgoingOffset + limits.responsePieceByteCount)
            outgoing.withUnsafeBytes {
                connection.send(UnsafeRawBufferPointer(rebasing: $0[outgoingOffset..<end]))
            }
            outgoingOffset = end
        }
        outgoing = []
        outgoingOffset = 0
        request = nil
        match = nil
        watch?.answered()
        watch = nil
        return true
    }

    /// Tells the peer which rule it broke, and closes.
    private func refuse(_ error: HTTPError, _ connection: Connection) {
        server.count(error)
        let trace = request?.trace ?? server.traces.context(continuing: nil)
        var response = error.response(to: request, trace: trace)
        if let request { server.policy(for: request)?.decorate(&response, to: request) }
        body = nil
        write(response, keepsAlive: false, connection)
        connection.send(outgoing)
        outgoing = []
        run(machine.refused(), connection)
    }

    private func logAccess(_ status: HTTPStatus, _ connection: Connection) {
        guard server.configuration.logsAccess, let request else { return }
        let elapsed = startedAt.duration(to: connection.reactor.now)
        log.info(
            "answered",
            [
                .string("client", request.client.ip.description),
                .string("method", request.methodText), .string("path", request.path),
                .integer("status", status.rawValue), .integer("duration_ms", elapsed.milliseconds),
                .string("trace", request.trace.text),
            ])
    }

    // MARK: Actions and deadlines

    private func run(_ action: HTTPStateMachine.Action, _ connection: Connection) {
        switch action {
        // Whoever completes an answer outside `received` calls `readOn`; inside, `read` goes on.
        case .nothing, .readNext: break
        case .close: connection.closeAfterFlush()
        case .closeLingering: connection.closeAfterFlush(lingering: true)
        case .refuse(let error): refuse(error, connection)
        }
    }

    /// Makes the timer stand for the deadline that the machine names; a deadline that has not
    /// changed runs on while bytes trickle in.
    private func updateTimer(_ connection: Connection) {
        let deadline = machine.deadline
        if deadline == armedDeadline { return }
        armedDeadline = deadline
        switch deadline {
        case .unlimited: connection.disarmTimer()
        case .head: connection.armTimer(after: limits.headTimeout)
        case .bodyWindow: connection.armTimer(after: limits.bodyRateWindow)
        case .keepAlive: connection.armTimer(after: limits.keepAliveTimeout)
        }
    }
}
