// LocalBackplane: one process is the whole world. What is published is delivered, once per loop.
//
// Thread: any.  Allocates: one message per loop.

import Synchronization

public final class LocalBackplane: Backplane {
    private let deliver = Mutex<(@Sendable (HubTarget, EncodedInvocation) -> Void)?>(nil)

    public init() {}

    public func start(deliver: @escaping @Sendable (HubTarget, EncodedInvocation) -> Void) {
        self.deliver.withLock { $0 = deliver }
    }

    public func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        guard let deliver = self.deliver.withLock({ $0 }) else {
            preconditionFailure("published before the start")
        }
        deliver(target, invocation)
        accepted(nil)
    }

    /// Everything is heard anyway.
    public func subscribe(
        to scopes: [BackplaneScope], ready: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        ready(nil)
    }

    public func unsubscribe(from scopes: [BackplaneScope]) {}
}
