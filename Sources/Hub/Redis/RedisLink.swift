// RedisLink: a command connection that comes back by itself.
//
//   send ─▶ ready:          on the wire, in order, all commands of a tick in one system call
//        └▶ stalled, away:  the reply is a failure, at once
//
// Nothing is kept for later: whoever sends a command knows better than we do what to do without it.
//
// Thread: one loop; a RedisClient takes calls from other threads.  Allocates: per command, its place
// in the row and its reply.

import Loop

public final class RedisLink {
    private let connector: RedisConnector
    private var connection: RedisLinkConnection?
    /// The state for other threads.
    let sharedState: Monitor<RedisLinkState>

    /// Called with each change, on the loop.
    public var onStateChange: ((RedisLinkState) -> Void)?

    /// Made on the loop's thread; its owner keeps it as long as the loop runs.
    ///
    /// - Throws: if the options ask for TLS and its files cannot be used.
    public init(
        reactor: Reactor, options: RedisOptions, status: LinkStatus,
        random: any RandomSource = SystemRandom()
    ) throws(TLSConfigurationError) {
        connector = try RedisConnector(
            reactor: reactor, options: options, status: status, random: random)
        sharedState = Monitor(connector.state)
        connector.onConnection = { [unowned self] connection in
            let handler = RedisLinkConnection(connection, options: connector.options, link: self)
            self.connection = handler
            connection.replaceHandler(with: handler)
            handler.start()
        }
        connector.onStateChange = { [unowned self] state in
            sharedState.update { $0 = state }
            onStateChange?(state)
        }
    }

    public var state: RedisLinkState { connector.state }
    var reactor: Reactor { connector.reactor }
    var options: RedisOptions { connector.options }

    /// Begins to connect. Called once.
    public func start() { connector.connect() }

    /// Sends one command.
    ///
    /// - Parameters:
    ///   - timeout: from now to the reply; resolution 16 ms.
    ///   - reply: called exactly once, on the loop; before `send` returns if the link is not ready.
    ///     An error reply is the failure `refused`.
    public func send(
        _ command: RedisCommand, timeout: Duration,
        reply: @escaping (Result<RedisReply, RedisError>) -> Void
    ) {
        precondition(command.missingArgumentCount == 0, "fewer arguments than announced")
        guard let connection = readyConnection(or: .one(reply)) else { return }
        if connection.add(.one(reply), commandCount: 1, timeout: timeout) {
            connection.write(command)
        }
    }

    /// Sends commands one behind the other; `reply` gets their replies in the same order, error
    /// replies among them.
    public func send(
        _ commands: [RedisCommand], timeout: Duration,
        replies: @escaping (Result<[RedisReply], RedisError>) -> Void
    ) {
        if commands.isEmpty { return replies(.success([])) }
        precondition(
            commands.allSatisfy { $0.missingArgumentCount == 0 }, "fewer arguments than announced")
        guard let connection = readyConnection(or: .batch(replies)) else { return }
        if connection.add(.batch(replies), commandCount: commands.count, timeout: timeout) {
            for command in commands { connection.write(command) }
        }
    }

    private func readyConnection(or answer: RedisAnswer) -> RedisLinkConnection? {
        switch connector.state {
        case .ready: return connection
        case .stalled:
            answer.fail(
                .unavailable(reason: "redis at \(connector.options.text) does not answer"))
        case .away(let error): answer.fail(error)
        }
        return nil
    }

    // MARK: From the connection

    func changed(to state: RedisLinkState) { connector.change(to: state) }

    func lost(_ error: RedisError) {
        connection = nil
        connector.lost(error)
    }
}

@available(*, unavailable)
extension RedisLink: Sendable {}
