// HubServer: the hub of this process, as every thread sees it.
//
//   worker ── send(to: .user(…)) ──▶ encode once ─▶ backplane ─▶ deliver ─┬▶ loop 0's mailbox
//                                                                         ├▶ loop 1's mailbox
//                                                                         └▶ …
//
// It owns no connection: those belong to the HubLoops, and only messages go there.
//
// Thread: any.  Allocates: one message per loop and send.

import Loop
import Synchronization

public final class HubServer: Sendable {
    public let options: HubOptions
    public let tokens: ConnectionTokens
    public let backplane: any Backplane
    let methods: HubMethods
    let dispatcher: HubDispatcher
    let loops = HubLoopDirectory()

    /// - Parameter tokens: shared with other pods through its secret; nil makes one of this process.
    public init(
        methods: HubMethods, options: HubOptions = HubOptions(), tokens: ConnectionTokens? = nil,
        backplane: any Backplane = LocalBackplane()
    ) {
        options.validate()
        self.options = options
        self.methods = methods
        self.tokens = tokens ?? ConnectionTokens(lifetime: options.negotiatedLifetime)
        self.backplane = backplane
        dispatcher = HubDispatcher(
            methods: methods, enableDetailedErrors: options.enableDetailedErrors)
        backplane.start { [loops] target, invocation in
            loops.post(.deliver(target, invocation))
        }
    }

    /// Calls a method of the clients that `target` names, on all pods. Unknown receivers are nobody.
    ///
    /// - Parameters:
    ///   - arguments: one JSON value each.
    ///   - accepted: told once, on any thread, whether the backplane has the message; what becomes
    ///     of it at the clients nobody is told.
    public func send(
        to target: HubTarget, target method: String, arguments: [RawJSON],
        accepted: @escaping @Sendable (BackplaneError?) -> Void = { _ in }
    ) {
        let invocation = EncodedInvocation(target: method, arguments: arguments)
        backplane.publish(invocation, to: target, accepted: accepted)
    }

    /// Adds a connection of this process to a group; unknown ids are ignored.
    public func join(connectionID: String, group: String) {
        loops.post(.membership(connectionID: connectionID, .join(group: group)))
    }

    /// Takes a connection of this process out of a group.
    public func leave(connectionID: String, group: String) {
        loops.post(.membership(connectionID: connectionID, .leave(group: group)))
    }
}

/// The mailboxes of all loops; grows while they start.
final class HubLoopDirectory: Sendable {
    private let mailboxes = Mutex<[Mailbox<HubLoopMessage>]>([])

    func add(_ mailbox: Mailbox<HubLoopMessage>) { mailboxes.withLock { $0.append(mailbox) } }

    /// Once per loop, however many receivers each has.
    func post(_ message: HubLoopMessage) {
        for mailbox in mailboxes.withLock({ $0 }) { mailbox.post(message) }
    }
}
