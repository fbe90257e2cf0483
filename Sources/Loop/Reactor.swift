// placeholder
public final class Reactor {
    public init() {}
    func isOpen(_ t: EventToken) -> Bool { true }
    func isEncrypted(_ t: EventToken) -> Bool { true }
    func peerAddress(_ t: EventToken) -> String { "" }
    func queuedByteCount(_ t: EventToken) -> Int { 0 }
    func isBackpressured(_ t: EventToken) -> Bool { true }
    func send(_ b: UnsafeRawBufferPointer, to: EventToken) {}
    func send(_ b: SharedBytes, to: EventToken) {}
    func pauseReading(_ t: EventToken) {}
    func resumeReading(_ t: EventToken) {}
    func continueLater(_ t: EventToken) {}
    func armTimer(_ t: EventToken, after: Duration) {}
    func disarmTimer(_ t: EventToken) {}
    func replaceHandler(_ t: EventToken, with handler: ConnectionHandler) {}
    func closeAfterFlush(_ t: EventToken, lingering: Bool) {}
    func abort(_ t: EventToken, _ r: CloseReason) {}
    /// The handler of an open connection, for replies that come through a mailbox.
    public func handler(of token: EventToken) -> ConnectionHandler? { nil }
    /// The handle of an open connection.
    public func connection(_ token: EventToken) -> Connection? { nil }
    /// The time of this tick.
    public var now: MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
    public var time: any TimeSource { SystemTime() }
    /// Every message posted from any thread is handed to `receiver` on this loop.
    public func makeMailbox<Message: Sendable>(
        of type: Message.Type = Message.self, receiver: @escaping (Message) -> Void
    ) -> Mailbox<Message> { fatalError() }
    /// Runs `body` on this loop every `interval` until the loop ends.
    public func every(_ interval: Duration, _ body: @escaping () -> Void) {}
}
@available(*, unavailable)
extension Reactor: Sendable {}
