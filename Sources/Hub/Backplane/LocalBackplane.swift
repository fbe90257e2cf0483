// LocalBackplane: one process is the whole world; there is nobody to carry anything to.
//
// Thread: any.  Allocates: never.

public struct LocalBackplane: Backplane {
    public init() {}

    public var isAvailable: Bool { true }
    public var isReachedThroughOthers: Bool { false }

    public func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {}

    public func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) { accepted(nil) }

    public func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void) {
        ready()
    }

    public func unsubscribe(from scopes: [BackplaneScope]) {}

    /// A connection that is not here is nowhere, and changing nobody's groups is no error.
    public func apply(
        _ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void
    ) { done(nil) }

    public func ask(
        _ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer) -> Void
    ) { answered(.unknown(connectionID: question.connectionID)) }

    public func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) { if request.kind != .abandon { answered(nil) } }
}
