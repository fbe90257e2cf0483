// HubCaller: the connection behind a call, as far as methods may see and touch it.
//
// Thread: a value for any thread; what it does goes through the loop's mailbox, in order, and so
// behind an answer given before.  Allocates: a message per use.

import Loop

public struct HubCaller: Sendable {
    /// What a caller may ask of its connection.
    enum Request: Sendable {
        case send(EncodedInvocation)
        case join(group: String)
        case leave(group: String)
        case abort
    }

    /// Public; stands in excluded lists and backplane channels.
    public let connectionID: String
    /// Nil for an anonymous connection.
    public let userID: String?
    public let connectedAt: MonotonicInstant
    public let connectedAtWall: WallTime
    let perform: @Sendable (Request) -> Void

    /// Calls a method of this client only. After an answer given through `HubReply` it arrives
    /// behind the completion. Nothing happens once the connection has ended.
    public func send(_ target: String, _ arguments: [RawJSON]) {
        perform(.send(EncodedInvocation(target: target, arguments: arguments)))
    }

    public func join(group: String) { perform(.join(group: group)) }

    public func leave(group: String) { perform(.leave(group: group)) }

    /// Closes the connection without an error.
    public func abort() { perform(.abort) }

    /// For the tests of methods; `onSend` gets the records that `send` makes.
    public static func sample(
        connectionID: String = "sample", userID: String? = nil,
        connectedAt: MonotonicInstant = MonotonicInstant(nanoseconds: 0),
        connectedAtWall: WallTime = WallTime(microseconds: 0),
        onSend: @escaping @Sendable (_ record: [UInt8]) -> Void = { _ in }
    ) -> HubCaller {
        HubCaller(
            connectionID: connectionID, userID: userID, connectedAt: connectedAt,
            connectedAtWall: connectedAtWall
        ) { request in
            if case .send(let invocation) = request {
                onSend(Array(invocation.record(for: .json)))
            }
        }
    }
}
