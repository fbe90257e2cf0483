// Backplane: carries invocations to the other pods, and theirs to this one.
//
//   HubServer.send ─┬▶ own loops                                 at once, whatever happens outside
//                   └▶ publish ─▶ …other pods… ─▶ deliver ─▶ HubServer ─▶ the loops with a receiver
//                                    ▲
//   connection, user, group ─ subscribe, while there is a local member
//
// Promised is at most once, in order per publisher and target. While a backplane is away, publishing
// fails at once, what others publish is lost, and local connections stay; when it is whole again it
// says since when it was not, so that what was lost can be read from where it is kept.
//
// Thread: any; the closures may be called on any thread.  Allocates: what it must.
// Source: ASP.NET Core SignalR, Redis backplane (channels follow local membership).

import Loop

/// Why a backplane does not take a message or a change.
public enum BackplaneError: Error, Equatable, Sendable {
    case unavailable(reason: String)
    /// No pod has answered: most likely nobody holds the connection.
    case unanswered
}

/// A connection joins or leaves a group.
public struct GroupChange: Equatable, Sendable {
    public let connectionID: String
    public let group: String
    /// False: it leaves.
    public let isJoin: Bool

    public init(connectionID: String, group: String, isJoin: Bool) {
        self.connectionID = connectionID
        self.group = group
        self.isJoin = isJoin
    }
}

/// What comes from other pods.
public enum BackplaneEvent: Sendable {
    /// For the local connections among the target's.
    case deliver(HubTarget, EncodedInvocation)
    /// Another pod asks for a change; `applied` is called once it is done, and not at all if the
    /// connection is not here.
    case change(GroupChange, applied: @Sendable () -> Void)
    /// Another pod asks a client of this one. `answered` is called once, with nil at once if the
    /// client is not here.
    case ask(ClientQuestion, answered: @Sendable (ClientAnswer?) -> Void)
    /// A request for a connection of this pod. `answered` is called once, with nil at once if the
    /// connection is not here; not at all for an `abandon`.
    case transport(TransportRequest, answered: @Sendable (TransportAnswer?) -> Void)
    /// Messages published after `since` may have been lost until now; none are from now on.
    case resumed(since: WallTime)
}

public protocol Backplane: Sendable {
    /// Whether other pods can be reached, as far as is known.
    var isAvailable: Bool { get }

    /// Whether a client may reach us through other pods, by `forward`.
    var isReachedThroughOthers: Bool { get }

    /// Called once, before anything else.
    func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void)

    /// Sends to all other pods; this one's connections are the caller's. Does not block.
    /// - Parameter accepted: told once whether the backplane has the message.
    func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void)

    /// Adds one reference to each scope; the first one subscribes. While the backplane is away,
    /// the subscription is made as soon as it is back, and `ready` is told at once: the connection
    /// shall live meanwhile, and what it misses is what `resumed` covers.
    /// - Parameter ready: told once, when messages published from then on arrive here.
    func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void)

    /// Takes one reference from each scope; the last one unsubscribes.
    func unsubscribe(from scopes: [BackplaneScope])

    /// Has the pod that holds a connection change its groups. For connections of other pods.
    /// - Parameter done: told once: nil when that pod has done it; `unanswered` within about a second
    ///   where nobody holds the connection.
    func apply(_ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void)

    /// Asks a client of another pod.
    /// - Parameter answered: told once: by the client, or within about a second where nobody holds
    ///   the connection or its pod has died. It may take as long as the client does.
    func ask(_ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer) -> Void)

    /// Hands a request to the pod that holds its connection, which has subscribed to
    /// `.transport(connectionID)`.
    /// - Parameter answered: told once, nil where nobody holds the connection, at once or within
    ///   about a second after its pod has died; not at all for an `abandon`.
    func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void)
}
