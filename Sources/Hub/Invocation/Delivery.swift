// Delivery: one invocation on its way to the receivers of one loop.
//
//   first receiver of a protocol ─▶ SharedBytes made ─▶ sent ─▶ sent or queued ─▶ …
//                                                     finish lets go of it ◀──────┘
//
// A loop without a receiver, the usual case for a user's message, copies nothing; neither does one for
// the protocol that none of its receivers speaks.
//
// Thread: one loop.  Allocates: a payload per protocol, at its first receiver.

import Loop

struct Delivery {
    private let invocation: EncodedInvocation
    private let reactor: Reactor
    private var json: SharedBytes?
    private var messagePack: SharedBytes?
    /// Connections it was queued on.
    private(set) var receiverCount = 0
    /// Connections that must be told through their objects.
    private(set) var indirect: [EventToken] = []
    /// Connections in whose protocol the invocation does not exist.
    private var unable: [EventToken] = []

    init(invocation: EncodedInvocation, reactor: Reactor) {
        self.invocation = invocation
        self.reactor = reactor
    }

    /// Queues the frame on the connection; the frame is whole, so it may go past the connection's
    /// own object, which takes itself out of the tables before its Close frame.
    mutating func send(to token: EventToken, hubProtocol: HubProtocol = .json) {
        let made =
            switch hubProtocol {
            case .json: json
            case .messagePack: messagePack
            }
        guard let payload = made ?? makePayload(hubProtocol) else { return unable.append(token) }
        reactor.send(payload, to: token)
        receiverCount += 1
    }

    mutating func countIndirect(_ token: EventToken) {
        indirect.append(token)
        receiverCount += 1
    }

    /// Must be called once; the queues hold their own references.
    /// - Returns: receivers that could not be sent anything.
    mutating func finish() -> [EventToken] {
        json?.release()
        messagePack?.release()
        (json, messagePack) = (nil, nil)
        return unable
    }

    private mutating func makePayload(_ hubProtocol: HubProtocol) -> SharedBytes? {
        guard let frame = invocation.frame(for: hubProtocol) else { return nil }
        let made = SharedBytes(copying: frame)
        switch hubProtocol {
        case .json: json = made
        case .messagePack: messagePack = made
        }
        return made
    }
}
