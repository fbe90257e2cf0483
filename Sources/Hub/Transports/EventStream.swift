// EventStream: the answer without an end that carries server-sent events.
//
//   GET, Accept: text/event-stream ─▶ [head, ":"] ─▶ event … event ─▶ close
//                                        └ sent once POSTs find the connection, on whichever pod
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
    private let head: [UInt8]
    let posts = PostQueue()

    /// - Parameter head: of the HTTP answer.
    init(session: HubConnection, head: [UInt8]) {
        self.session = session
        self.head = head
    }

    /// What the head must say beside its type: nobody may keep, change or collect what follows.
    static func makeHead() -> Response {
        var response = Response(.ok, contentType: "text/event-stream")
        response.add("Cache-Control", "no-cache,no-store")
        response.add("Pragma", "no-cache")
        response.add("Content-Encoding", "identity")
        response.add("X-Accel-Buffering", "no")
        return response
    }

    // MARK: From the session

    /// The client may POST from now on.
    func begin() {
        connection?.send(head)
        connection?.send(ServerSentEvent.opening)
    }

    func send(_ records: [UInt8]) { connection?.send(ServerSentEvent.encode(records)) }

    var isBackpressured: Bool { connection?.isBackpressured == true }

    func finish() { connection?.closeAfterFlush(lingering: true) }

    // MARK: From the loop

    override func opened(_ connection: Connection) {
        self.connection = connection
        session?.opened(by: .events(self))
    }

    override func becameWritable(_ connection: Connection) { session?.caughtUp() }

    override func drain(_ connection: Connection) { session?.drain() }

    override func closed(_ connection: Connection, reason: CloseReason) {
        let session = session
        self.session = nil
        self.connection = nil
        session?.transportEnded(isOrderly: reason == .peerGone || reason == .finished)
    }
}
