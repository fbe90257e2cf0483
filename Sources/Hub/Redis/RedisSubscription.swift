// RedisSubscription: a pub/sub connection that comes back by itself.
//
//   connected ─▶ the subscriber subscribes to all it wants ─▶ subscribed*, message*
//       ▲                                                         │
//       └──────────────── pause ◀── disconnected ◀────────────────┘
//
// It does not remember channels: what was published during an outage is lost, and only its owner
// knows what of it has to be made good.
//
// Thread: one loop.  Allocates: nothing per message that arrives whole.

import Loop

/// Base class of whoever listens; a class and not a protocol for the same reason as
/// `ConnectionHandler`. All calls come on the loop.
open class RedisSubscriber {
    public init() {}
    /// A new connection without any subscription.
    open func connected() {}
    /// All subscriptions are gone.
    open func disconnected(_ error: RedisError) {}
    open func subscribed(to channel: String) {}
    open func unsubscribed(from channel: String) {}
    /// Channel and payload are valid during the call only.
    open func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {}
    /// Everything the server had sent before the `ping` of this token has been delivered.
    open func pong(_ token: String) {}
    /// The server refused a command, like a channel this user has no right to.
    open func refused(_ error: RedisServerError) {}
}

public final class RedisSubscription {
    private let connector: RedisConnector
    private var connection: Connection?
    /// Not retained: the subscriber owns the subscription.
    unowned let subscriber: RedisSubscriber

    /// Called with each change, on the loop; `stalled` means that a PING is overdue.
    public var onStateChange: ((RedisLinkState) -> Void)? {
        get { connector.onStateChange }
        set { connector.onStateChange = newValue }
    }

    /// Made on the loop's thread. The subscriber, which owns it, lives as long as the loop runs.
    ///
    /// - Throws: if the options ask for TLS and its files cannot be used.
    public init(
        reactor: Reactor, options: RedisOptions, status: LinkStatus,
        random: any RandomSource = SystemRandom(), subscriber: RedisSubscriber
    ) throws(TLSConfigurationError) {
        self.subscriber = subscriber
        connector = try RedisConnector(
            reactor: reactor, options: options, status: status, random: random)
        connector.onConnection = { [unowned self] connection in
            self.connection = connection
            let handler = RedisSubscriptionConnection(
                connection, options: connector.options, owner: self)
            connection.replaceHandler(with: handler)
            handler.start()
            self.subscriber.connected()
        }
    }

    public var state: RedisLinkState { connector.state }

    /// Begins to connect. Called once.
    public func start() { connector.connect() }

    /// Asks for the channels; `subscribed` tells when each is heard. Without a connection nothing
    /// happens: subscribe in `connected`.
    public func subscribe(_ channels: [String]) {
        if !channels.isEmpty { send(RedisCommand("SUBSCRIBE", channels)) }
    }

    public func unsubscribe(_ channels: [String]) {
        if !channels.isEmpty { send(RedisCommand("UNSUBSCRIBE", channels)) }
    }

    /// - Parameter token: not empty; comes back by `pong`, behind all that was sent before.
    public func ping(_ token: String) {
        precondition(!token.isEmpty)
        send(RedisCommand("PING", [token]))
    }

    private func send(_ command: RedisCommand) { connection?.send(command.bytes) }

    // MARK: From the connection

    func changed(to state: RedisLinkState) { connector.change(to: state) }

    func lost(_ error: RedisError) {
        connection = nil
        subscriber.disconnected(error)
        connector.lost(error)
    }
}

@available(*, unavailable)
extension RedisSubscription: Sendable {}
