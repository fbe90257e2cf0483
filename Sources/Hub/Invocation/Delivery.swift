// Delivery: one invocation on its way to the receivers of one loop.
//
//   first receiver of a protocol ─▶ SharedBytes made ─▶ sent ─▶ sent or queued ─▶ …
//                                                     finish lets go of it ◀──────┘
//
// A loop without a receiver, the usual case for a user's message, copies nothing; neither does one for
// the protocol that none of its receivers speaks. A message is compressed once for all whose clients
// inflate.
//
// Thread: one loop.  Allocates: a payload per protocol, at its first receiver, and one compressed.

import Loop
import WS

struct Delivery {
    private let invocation: EncodedInvocation
    private let reactor: Reactor
    private var json: SharedBytes?
    private var messagePack: SharedBytes?
    private let deflate: MessageDeflate?
    private var deflatedJSON = Deflated.notTried
    private var deflatedMessagePack = Deflated.notTried
    /// Connections it was queued on.
    private(set) var receiverCount = 0
    /// Connections that must be told through their objects.
    private(set) var indirect: [EventToken] = []
    /// Connections in whose protocol the invocation does not exist.
    private var unable: [EventToken] = []

    /// A protocol's payload for clients that inflate.
    private enum Deflated {
        case notTried
        /// Too small to gain, or not there in this protocol.
        case none
        case made(SharedBytes, messageByteCount: Int)

        var isTried: Bool {
            if case .notTried = self { false } else { true }
        }

        mutating func release() {
            if case .made(let payload, _) = self { payload.release() }
            self = .notTried
        }
    }

    init(invocation: EncodedInvocation, reactor: Reactor, deflate: MessageDeflate? = nil) {
        self.invocation = invocation
        self.reactor = reactor
        self.deflate = deflate
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
    ///
    /// - Parameter deflateWindow: nil if the client does not inflate.
    mutating func send(
        to token: EventToken, hubProtocol: HubProtocol, deflateWindow: DeflateWindow?
    ) {
        if let deflateWindow, let payload = deflated(hubProtocol, for: deflateWindow) {
            reactor.send(payload, to: token)
            receiverCount += 1
            return
        }
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
        deflatedJSON.release()
        deflatedMessagePack.release()
        return unable
    }

    /// Nil if the plain payload is to be sent.
    private mutating func deflated(
        _ hubProtocol: HubProtocol, for window: DeflateWindow
    ) -> SharedBytes? {
        let former = hubProtocol == .json ? deflatedJSON : deflatedMessagePack
        let deflated = former.isTried ? former : makeDeflated(hubProtocol)
        guard case .made(let payload, let byteCount) = deflated,
            window.fits(messageByteCount: byteCount)
        else { return nil }
        return payload
    }

    private mutating func makeDeflated(_ hubProtocol: HubProtocol) -> Deflated {
        var made = Deflated.none
        if let record = invocation.record(for: hubProtocol) {
            let payload = record.withUnsafeBytes {
                deflate?.makeFrame($0, as: hubProtocol.messageKind)
            }
            if let payload { made = .made(payload, messageByteCount: record.count) }
        }
        switch hubProtocol {
        case .json: deflatedJSON = made
        case .messagePack: deflatedMessagePack = made
        }
        return made
    }

    private mutating func makePayload(_ hubProtocol: HubProtocol) -> SharedBytes? {
        guard let frame = invocation.frame(for: hubProtocol) else { return nil }
        let made = SharedBytes(copying: frame, invocation.expendability)
        switch hubProtocol {
        case .json: json = made
        case .messagePack: messagePack = made
        }
        return made
    }
}
