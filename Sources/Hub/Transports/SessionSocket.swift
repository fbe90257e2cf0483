// SessionSocket: the WebSocket that carries a session now, on whichever loop it was accepted.
//
//   session's loop                              socket's loop
//   Resumption ─ own ──▶ HubSocket              the usual case
//              ─ relayed ─▶ mailbox ──────────▶ RelaySocket ─▶ client
//                 mailbox ◀──────────────────── received, ended
//
// A client that comes back comes to any loop of its pod. Its session stays where it is, because its
// calls and groups are there; what the socket receives and sends crosses in messages.
//
// Thread: the session's loop; RelaySocket, its own.  Allocates: per message that crosses.

import Loop
import WS

enum SessionSocket {
    case own(HubSocket)
    case relayed(RelayedSocket)

    func send(_ bytes: [UInt8], as kind: MessageKind) {
        switch self {
        case .own(let socket): socket.send(bytes, as: kind)
        case .relayed(let socket): socket.mailbox.post(.relayed(socket.token, .send(bytes, kind)))
        }
    }

    func close() {
        switch self {
        case .own(let socket): socket.close(.normal)
        case .relayed(let socket): socket.mailbox.post(.relayed(socket.token, .close))
        }
    }

    func pauseReading() {
        switch self {
        case .own(let socket): socket.pauseReading()
        case .relayed(let socket): socket.mailbox.post(.relayed(socket.token, .pause))
        }
    }

    func resumeReading() {
        switch self {
        case .own(let socket): socket.resumeReading()
        case .relayed(let socket): socket.mailbox.post(.relayed(socket.token, .resume))
        }
    }

    /// What a relayed socket has queued is not known here: there, acknowledgements tell.
    var isBackpressured: Bool {
        if case .own(let socket) = self {
            socket.connection?.isBackpressured == true
        } else {
            false
        }
    }
}

/// A socket of another loop, as its session sees it.
struct RelayedSocket: Equatable, Sendable {
    let token: EventToken
    let mailbox: Mailbox<HubLoopMessage>

    static func == (a: Self, b: Self) -> Bool { a.token == b.token && a.mailbox === b.mailbox }
}

/// From a session to its socket on another loop.
enum RelayOrder: Sendable {
    case send([UInt8], MessageKind)
    case close
    case pause
    case resume
}

/// From a socket to its session on another loop.
enum RelayEvent: Sendable {
    case opened
    case received([UInt8])
    case ended(isOrderly: Bool)
}

final class RelaySocket: WSConnection {
    private let connectionID: String
    /// This loop's.
    private let mailbox: Mailbox<HubLoopMessage>
    private let directory: HubLoopDirectory
    private let outboundRule: OutboundRule.Number

    init(connectionID: String, loop: HubLoop, limits: WSLimits, deflate: DeflateAgreement?) {
        self.connectionID = connectionID
        mailbox = loop.mailbox
        directory = loop.server.loops
        outboundRule = loop.outboundRule
        super.init(limits: limits, deflate: deflate)
    }

    /// Beyond the rule it is cut, which is the default: what it carried is kept by the session.
    override func opened() {
        connection?.obey(outboundRule)
        if !tell(.opened) { close(.normal) }
    }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        tell(.received(Array(message)))
    }

    /// The session is told by its own loop.
    override func drain() {}

    override func closed(_ ending: WSEnding) {
        var isOrderly = false
        if case .closedByPeer = ending { isOrderly = true }
        tell(.ended(isOrderly: isOrderly))
    }

    func obey(_ order: RelayOrder) {
        switch order {
        case .send(let bytes, let kind): send(bytes, as: kind)
        case .close: close(.normal)
        case .pause: pauseReading()
        case .resume: resumeReading()
        }
    }

    /// - Returns: false if the session has ended.
    @discardableResult private func tell(_ event: RelayEvent) -> Bool {
        guard let token = connection?.token else { return false }
        let socket = RelayedSocket(token: token, mailbox: mailbox)
        return directory.relay(event, of: socket, to: connectionID)
    }
}
