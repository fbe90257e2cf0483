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
    /// Ours until we have ended. It holds us too, and lets go first.
    private var session: HubConnection?

    private let isResuming: Bool

    /// - Parameter isResuming: the session is open, and waits for another socket.
    init(session: HubConnection, limits: WSLimits, isResuming: Bool = false) {
        self.session = session
        self.isResuming = isResuming
        super.init(limits: limits)
    }

    override func opened() {
        if isResuming { session?.resume(on: .own(self)) } else { session?.opened(by: self) }
    }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        session?.received(UnsafeRawBufferPointer(message))
    }

    override func becameWritable() { session?.caughtUp() }

    override func timerFired() { session?.timerFired() }

    override func drain() { session?.drain() }

    override func closed(_ ending: WSEnding) {
        var isOrderly = false
        if case .closedByPeer = ending { isOrderly = true }
        let session = session
        self.session = nil
        session?.socketEnded(self, isOrderly: isOrderly)
    }

    /// Another socket carries the session from now on.
    func replace() {
        session = nil
        close(.normal)
    }
}
