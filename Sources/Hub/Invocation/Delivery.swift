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
    ///
    /// For JSON, without a look at the protocol: that is everybody, nearly always.
    mutating func send(to token: EventToken) {
        guard let payload = json ?? makePayload(.json) else { return unable.append(token) }
        reactor.send(payload, to: token)
        receiverCount += 1
    }

    /// The same for the protocol that the connection speaks.
    mutating func send(to token: EventToken, hubProtocol: HubProtocol) {
        switch hubProtocol {
        case .json: send(to: token)
        case .messagePack:
            guard let payload = messagePack ?? makePayload(.messagePack) else {
                return unable.append(token)
            }
            reactor.send(payload, to: token)
            receiverCount += 1
        }
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
