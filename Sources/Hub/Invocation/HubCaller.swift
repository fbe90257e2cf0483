// HubCaller: the connection behind a call, as far as methods may see and touch it.
//
// Thread: a value for any thread; what it does goes through the loop's mailbox, in order, and so
// behind an answer given before.  Allocates: a message per use.

import Loop
import WS

public struct HubCaller: Sendable {
    /// What a caller may ask of its connection.
    enum Request: Sendable {
        case send(EncodedInvocation)
        /// `done` is called once, when messages to the group arrive.
        case join(group: String, done: @Sendable () -> Void)
        case leave(group: String, done: @Sendable () -> Void)
        case abort
        /// `handler` is called once, before the hub's `onDisconnected`.
        case whenEnded(handler: @Sendable () -> Void)

        /// The connection has ended: nothing is to be done, and nobody shall wait for it.
        func abandon() {
            switch self {
            case .join(_, let done), .leave(_, let done): done()
            case .whenEnded(let handler): handler()
            case .send, .abort: break
            }
        }
    }

    /// Public; stands in excluded lists and backplane channels.
    public let connectionID: String
    /// Nil for an anonymous connection.
    public let userID: String?
    public let connectedAtWall: WallTime
    /// The connection's first request, where `HubOptions.keepsRequest` is on.
    public let request: WS.Request?
    /// What the client speaks.
    let hubProtocol: HubProtocol
    /// Nil in the tests of methods.
    let server: HubServer?
    var perform: @Sendable (Request) -> Void

    /// Calls a method of this client only. After an answer given through `HubReply` it arrives
    /// behind the completion. Nothing happens once the connection has ended.
    public func send(_ target: String, _ arguments: [RawValue]) {
        perform(
            .send(
                EncodedInvocation(
                    target: target, arguments: arguments, protocols: [hubProtocol])))
    }

    /// - Parameter joined: called once, when what any pod sends to the group arrives or the
    ///   connection has ended.
    public func join(group: String, joined: @escaping @Sendable () -> Void = {}) {
        perform(.join(group: group, done: joined))
    }

    /// - Parameter left: called once, when the connection is out.
    public func leave(group: String, left: @escaping @Sendable () -> Void = {}) {
        perform(.leave(group: group, done: left))
    }

    /// Closes the connection without an error.
    public func abort() { perform(.abort) }

    /// - Parameter handler: called once, on the loop, when the connection has ended, or soon if it has
    ///   by now; `onDisconnected` runs behind it. It must not block.
    public func whenEnded(_ handler: @escaping @Sendable () -> Void) {
        perform(.whenEnded(handler: handler))
    }

    /// For the tests of methods; `onSend` gets the records that `send` makes.
    public static func sample(
        connectionID: String = "sample", userID: String? = nil,
        connectedAtWall: WallTime = WallTime(microseconds: 0),
        onSend: @escaping @Sendable (_ record: [UInt8]) -> Void = { _ in }
    ) -> HubCaller {
        HubCaller(
            connectionID: connectionID, userID: userID, connectedAtWall: connectedAtWall,
            request: nil, hubProtocol: .json, server: nil
        ) { request in
            if case .send(let invocation) = request {
                onSend(Array(invocation.record(for: .json) ?? []))
            }
        }
    }
}
