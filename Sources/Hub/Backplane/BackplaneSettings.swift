// BackplaneSettings: what all pods of one hub must agree on, and the backplane's limits.
//
// Thread: a pure value.
// Source: ASP.NET Core SignalR, Redis backplane; prefix and type name of the replaced system.

public struct BackplaneSettings: Sendable {
    /// In front of every channel's name, without a separator. Keeps applications on one Redis apart.
    public var channelPrefix = "contoso-signalr"
    /// The full name of the hub's class, which .NET pods put behind the prefix.
    public var hubTypeName = "OrderNotification.Worker.Hubs.OrderStatusHub"
    /// How long a change of another pod's group membership waits for that pod's answer; questions
    /// and forwarded requests only where Redis does not tell whether the other pod lives.
    public var ackTimeout: Duration = .seconds(30)
    /// The same for a forwarded poll, which is answered after 90 s at the latest.
    public var unwatchedPollTimeout: Duration = .seconds(120)
    /// While something waits for another pod: between two looks whether that pod still listens. Two
    /// that find nobody are enough, so a dead pod is noticed after twice this time.
    public var watchInterval: Duration = .milliseconds(250)
    /// How long Redis may take to say that it has a message, and how long what waits for other pods
    /// does so without knowing whether they live.
    public var publishTimeout: Duration = .seconds(2)
    /// Bytes in the body of a forwarded request or answer. Well below what Redis lets a pub/sub
    /// connection have outstanding (32 MiB), and below what ours take for one message (16 MiB).
    public var forwardedByteCountMax = 8 * 1024 * 1024
    /// Bytes of answers to other pods that are kept for `ackTimeout` while Redis does not take them.
    public var unsentAnswerByteCountMax = 16 * 1024 * 1024
    /// Between two PINGs on the subscribing connection. What was published since the last answered
    /// one may have to be made good after an outage.
    public var fenceInterval: Duration = .seconds(2)
    /// Channels in one SUBSCRIBE or UNSUBSCRIBE. Redis answers each channel on its own, so a command
    /// of this size keeps it from others for some tens of microseconds.
    public var channelCountPerCommandMax = 512
    /// Channels whose SUBSCRIBE or UNSUBSCRIBE is not confirmed. With names of 100 bytes this is
    /// about 1 MiB on the wire, well below what a connection may have queued.
    public var channelCountUnderWayMax = 8192

    public init() {}

    /// Traps if a limit makes no sense: the configuration checks values before.
    public func validate() {
        precondition(!hubTypeName.isEmpty)
        precondition(ackTimeout > .zero && unwatchedPollTimeout > .zero)
        precondition(watchInterval > .zero)
        precondition(forwardedByteCountMax > 0 && unsentAnswerByteCountMax > 0)
        precondition(publishTimeout > .zero && fenceInterval > .zero)
        precondition(channelCountPerCommandMax > 0)
        precondition(channelCountUnderWayMax >= channelCountPerCommandMax)
    }
}
