// EventStream: the answer without an end that carries server-sent events.
//
//   GET, Accept: text/event-stream ─▶ attach ─▶ [head, ":"] ─▶ event … event ─▶ close
//                                        │          └ sent once POSTs find the connection, anywhere
//                                        └ it is open on another loop or pod: 409, 400
//
// The client sends by POST; what else arrives on this connection is not looked at.
//
// Thread: the connection's loop.  Allocates: per event its bytes.
// Source: SignalR TransportProtocols, "Server-Sent Events".

import Loop
import WS

final class EventStream: ConnectionHandler {
    private var session: HubConnection?
    private var connection: Connection?
    private let answer: StreamAnswer
    private var hasBegun = false
    let posts = PostQueue()

    /// - Parameter answer: writes the HTTP answer.
    init(session: HubConnection, answer: StreamAnswer) {
        self.session = session
        self.answer = answer
    }

    /// What the head must say beside its type: nobody may keep, change or collect what follows.
    private static var head: Response {
        var response = Response(.ok, contentType: "text/event-stream")
        response.add("Cache-Control", "no-cache,no-store")
        response.add("Pragma", "no-cache")
        response.add("Content-Encoding", "identity")
        response.add("X-Accel-Buffering", "no")
        return response
    }

    // MARK: From the session

    /// The client may POST from now on. One that has not waited for that is told all the same.
    func begin() {
        if hasBegun { return }
        hasBegun = true
        connection?.send(answer.head(Self.head))
        connection?.send(ServerSentEvent.opening)
    }

    func send(_ records: [UInt8]) {
        begin()
        connection?.send(ServerSentEvent.encode(records))
    }

    /// The same for a push, which the connection's rule may leave out.
    func push(_ records: [UInt8], _ expendability: Expendability) {
        begin()
        let event = SharedBytes(copying: ServerSentEvent.encode(records), expendability)
        connection?.send(event)
        event.release()
    }

    var isBackpressured: Bool { connection?.isBackpressured == true }

    func finish() {
        begin()
        connection?.closeAfterFlush(lingering: true)
    }

    // MARK: From the loop

    override func opened(_ connection: Connection) {
        self.connection = connection
        guard let session else { return }
        connection.obey(session.loop.outboundRule)
        session.loop.attach(session.connectionID, for: connection.token)
    }

    /// The other loops and pods have been asked.
    func attached(_ answer: TransportAnswer?) {
        guard let session, let connection else { return }
        if let answer, answer.status != HTTPStatus.ok.rawValue {
            self.session = nil
            connection.send(self.answer.whole(HubEndpoint.response(answer)))
            return connection.closeAfterFlush(lingering: true)
        }
        session.hold(early: answer?.body ?? [])
        if !session.opened(by: .events(self)) {
            // A POST has come to another loop since that was asked.
            session.loop.attach(session.connectionID, for: connection.token)
        }
    }

    override func becameWritable(_ connection: Connection) { session?.caughtUp() }

    override func overflowed(_ connection: Connection) {
        if let session { session.fellBehind() } else { connection.abort(.slowConsumer) }
    }

    override func drain(_ connection: Connection) {
        // One that is open has its turn.
        if session?.isOpened != true { connection.closeAfterFlush() }
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        let session = session
        self.session = nil
        self.connection = nil
        if reason == .slowConsumer { session?.wasCut() }
        session?.transportEnded(isOrderly: reason == .peerGone || reason == .finished)
    }
}
