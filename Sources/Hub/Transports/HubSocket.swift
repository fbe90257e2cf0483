// HubSocket: the WebSocket under a hub connection.
//
//   messages ─▶ session.received          bytes of all messages are one stream, whatever their opcode
//   records  ◀─ session                   one or more whole hub messages per WebSocket message
//
// Thread: the connection's loop.  Allocates: once per connection.
// Source: SignalR TransportProtocols, "WebSockets".

import Loop
import WS

final class HubSocket: WSConnection {
    /// It does not keep us, or lets go of us when it has ended.
    private let session: HubConnection

    init(session: HubConnection, limits: WSLimits, deflate: DeflateAgreement?) {
        self.session = session
        super.init(limits: limits, deflate: deflate)
    }

    override func opened() {
        connection?.obey(session.loop.outboundRule)
        // One that is open already has lost its former socket.
        if session.isOpened { session.resume(on: .own(self)) } else { session.opened(by: self) }
    }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        session.received(UnsafeRawBufferPointer(message))
    }

    override func becameWritable() { session.caughtUp() }

    override func overflowed() { session.fellBehind(on: self) }

    override func timerFired() { session.timerFired() }

    /// Its loop gives it a turn.
    override func drain() {}

    override func closed(_ ending: WSEnding) {
        var isOrderly = false
        if case .closedByPeer = ending { isOrderly = true }
        if case .lost(.slowConsumer) = ending { session.wasCut() }
        session.socketEnded(self, isOrderly: isOrderly)
    }
}
