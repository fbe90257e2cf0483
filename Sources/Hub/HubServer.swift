// HubServer: the hub of this process, as every thread sees it.
//
//   worker ── send(to: .user(…)) ──▶ encode once ─┬▶ the loops that hold a connection of the user
//                                                 └▶ backplane ─▶ other pods
//   backplane ── deliver ──▶ the loops that hold a receiver
//
// Local connections come first and depend on nothing outside this process. It owns no connection:
// those belong to the HubLoops, and only messages go there.
//
// Thread: any.  Allocates: one message per loop with a receiver and send.

import Loop
import Synchronization
import WS

public final class HubServer: Sendable {
    /// What may have been lost, and who may have missed it.
    public struct Gap: Equatable, Sendable {
        /// Pushes published by other pods after this may have been lost. It is the time of
        /// publishing: what caused a push may have been committed earlier.
        public let since: WallTime
        /// Users with a connection to this pod when the backplane was whole again.
        public let users: [String]
    }

    public let options: HubOptions
    public let tokens: ConnectionTokens
    public let backplane: any Backplane
    let methods: HubMethods
    let dispatcher: HubDispatcher
    let tracer: Tracer
    let loops = HubLoopDirectory()
    /// How the connections are closed when the process leaves.
    public let drain: HubDrain
    let admission: HubAdmission
    private let log = Log("hub")

    /// - Parameters:
    ///   - tokens: shared with other pods through its secret; nil makes one of this process.
    ///   - tracer: records deliveries whose message names a place in a trace.
    ///   - onBackplaneResumed: called on the backplane's thread, which it must not block, after
    ///     messages of other pods may have been lost and when none are any more.
    public init(
        methods: HubMethods, options: HubOptions = HubOptions(), tokens: ConnectionTokens? = nil,
        backplane: any Backplane = LocalBackplane(), tracer: Tracer = .off,
        onBackplaneResumed: @escaping @Sendable (Gap) -> Void = { _ in }
    ) {
        options.validate()
        let methods = methods.filtered()
        self.options = options
        self.methods = methods
        self.tokens = tokens ?? ConnectionTokens(lifetime: options.negotiatedLifetime)
        self.backplane = backplane
        drain = HubDrain(rate: options.drainRate, window: options.drainPeriod)
        self.tracer = tracer
        admission = HubAdmission(options)
        dispatcher = HubDispatcher(
            methods: methods, enableDetailedErrors: options.enableDetailedErrors)
        backplane.start { [loops] event in
            switch event {
            case .deliver(let target, let invocation):
                loops.deliver(invocation.classified(by: options), to: target)
            case .change(let change, let applied): _ = loops.apply(change, done: applied)
            case .ask(let question, let answered):
                if !loops.ask(question, answered: answered) { answered(nil) }
            case .transport(let request, let answered):
                if !loops.forward(request, answered: answered), request.kind != .abandon {
                    answered(nil)
                }
            case .resumed(let since):
                onBackplaneResumed(Gap(since: since, users: loops.users))
            }
        }
    }

    /// Calls a method of the clients that `target` names, on all pods. Unknown receivers are nobody.
    ///
    /// - Parameters:
    ///   - headers: of the message; written if there are any.
    ///   - accepted: told once, on any thread, whether the other pods' clients can be reached: local
    ///     ones are in any case. What becomes of it at the clients nobody is told.
    public func send(
        to target: HubTarget, target method: String, arguments: [RawValue], headers: [Header] = [],
        accepted: @escaping @Sendable (BackplaneError?) -> Void = { _ in }
    ) {
        let invocation = EncodedInvocation(
            target: method, arguments: arguments, headers: headers,
            protocols: options.protocols)
        loops.deliver(invocation.classified(by: options), to: target)
        publish(invocation, to: target, accepted: accepted)
    }

    /// Calls a method of those clients only that are connected to this pod.
    public func sendLocally(
        to target: HubTarget, target method: String, arguments: [RawValue], headers: [Header] = []
    ) {
        let invocation = EncodedInvocation(
            target: method, arguments: arguments, headers: headers,
            protocols: options.protocols)
        loops.deliver(invocation.classified(by: options), to: target)
    }

    /// Calls a method of those clients only that are connected to other pods.
    public func sendToOtherPods(
        to target: HubTarget, target method: String, arguments: [RawValue], headers: [Header] = [],
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        let invocation = EncodedInvocation(
            target: method, arguments: arguments, headers: headers,
            protocols: options.protocols)
        publish(invocation, to: target, accepted: accepted)
    }

    private func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        switch target {
        // A connection is on one pod only.
        case .connection(let id) where loops.holds(.connection(id)): accepted(nil)
        case .connections(let ids):
            let remote = ids.filter { !loops.holds(.connection($0)) }
            backplane.publish(invocation, to: .connections(remote), accepted: accepted)
        default: backplane.publish(invocation, to: target, accepted: accepted)
        }
    }

    /// Adds a connection of any pod to a group.
    ///
    /// - Parameter done: told once, on any thread: nil when what is sent to the group from now on
    ///   reaches the connection.
    public func join(
        connectionID: String, group: String,
        done: @escaping @Sendable (BackplaneError?) -> Void = { _ in }
    ) {
        apply(GroupChange(connectionID: connectionID, group: group, isJoin: true), done)
    }

    /// Takes a connection of any pod out of a group.
    ///
    /// - Parameter done: told once, on any thread: nil when it is out.
    public func leave(
        connectionID: String, group: String,
        done: @escaping @Sendable (BackplaneError?) -> Void = { _ in }
    ) {
        apply(GroupChange(connectionID: connectionID, group: group, isJoin: false), done)
    }

    /// Asks one client for a result ("client result"), on whichever pod it is.
    ///
    /// - Parameter answered: told once, on any thread, when the client has answered or cannot any
    ///   more. An answer that nobody waits for any longer is the caller's to ignore.
    public func ask(
        connectionID: String, target: String, arguments: [RawValue],
        answered: @escaping @Sendable (ClientAnswer) -> Void
    ) {
        let id = tokens.makeConnectionID()
        let question = ClientQuestion(
            connectionID: connectionID, invocationID: id,
            invocation: EncodedInvocation(
                target: target, arguments: arguments, invocationID: id,
                protocols: options.protocols))
        let isHere = loops.ask(question) { answer in
            answered(answer ?? .unknown(connectionID: connectionID))
        }
        if !isHere { backplane.ask(question, answered: answered) }
    }

    private func apply(
        _ change: GroupChange, _ done: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        if loops.apply(change, done: { done(nil) }) { return }
        backplane.apply(change, done: done)
    }
}
