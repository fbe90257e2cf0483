// Backplane: carries invocations to the loops of this pod and of all others.
//
//   HubServer.send ─▶ publish ─▶ …other pods… ─▶ deliver ─▶ HubServer ─▶ every loop's mailbox
//                                    ▲
//   connection, user, group ─ subscribe, while there is a local member
//
// Promised is at most once, in order per publisher and target. While a backplane is away, publishing
// fails at once, what others publish is lost without notice, and local connections stay.
//
// Thread: any; the closures may be called on any thread.  Allocates: what it must.
// Source: ASP.NET Core SignalR, Redis backplane (channels follow local membership).

/// Why a backplane does not take a message or a subscription.
public enum BackplaneError: Error, Equatable, Sendable {
    case unavailable(reason: String)
}

/// Whose messages a pod wants to hear, besides those for everybody.
public enum BackplaneScope: Hashable, Sendable {
    case connection(String)
    case user(String)
    case group(String)
}

public protocol Backplane: Sendable {
    /// Called once, before anything else. `deliver` hands an invocation to the local connections.
    func start(deliver: @escaping @Sendable (HubTarget, EncodedInvocation) -> Void)

    /// Sends to every pod, this one included: the sender has no short cut. Does not block.
    /// - Parameter accepted: told once whether the backplane has the message.
    func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void)

    /// Adds one reference to each scope; the first one subscribes.
    /// - Parameter ready: told once, when messages published from then on arrive here.
    func subscribe(
        to scopes: [BackplaneScope], ready: @escaping @Sendable (BackplaneError?) -> Void)

    /// Takes one reference from each scope; the last one unsubscribes.
    func unsubscribe(from scopes: [BackplaneScope])
}
