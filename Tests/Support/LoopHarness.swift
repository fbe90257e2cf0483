// LoopHarness: one running loop with one listener, for tests with real sockets.

import Loop

public final class LoopHarness {
    private let group = LoopGroup()
    public let address: String

    /// Starts a loop that gives each connection a handler from `makeHandler`.
    public convenience init(
        limits: Limits = Limits(), identity: TLSIdentity? = nil,
        makeHandler: @escaping @Sendable (Connection) -> ConnectionHandler
    ) throws {
        try self.init(limits: limits) { reactor in
            try reactor.listen(
                host: "127.0.0.1", port: 0, identity: identity, makeHandler: makeHandler)
        }
    }

    /// Starts a loop that `setUp` prepares; it returns the address of its listener.
    public init(
        limits: Limits = Limits(), setUp: @escaping @Sendable (Reactor) throws -> String
    ) throws {
        let bound = Monitor("")
        try group.start(count: 1, limits: limits) { reactor, _ in
            let address = try setUp(reactor)
            bound.update { $0 = address }
        }
        address = bound.update { $0 }
    }

    deinit { group.stop() }

    public func connect() throws -> BlockingClient { try BlockingClient(to: address) }

    public func enterLameDuck() { group.enterLameDuck() }

    public func beginDrain() { _ = group.beginDrain() }

    public func waitUntilDrained() -> Bool { group.waitUntilDrained(atMost: .seconds(30)) == 0 }

    public func drain(atMost timeout: Duration = .seconds(5)) -> Bool {
        group.drain(atMost: timeout)
    }
}
