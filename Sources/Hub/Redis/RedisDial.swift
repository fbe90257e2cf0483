// RedisDial: one attempt to get a connection to a server that takes commands.
//
//   servers:    dial ─▶ handshake ─▶ connected
//                 └─────────┴─▶ the next server … ─▶ failed, with the last error
//   sentinels:  dial ─▶ where is the master? ─▶ dial it ─▶ handshake, ROLE master ─▶ connected
//                 └──────────────┴──────────────────┴──────────┴─▶ the next sentinel …
//
// Thread: one loop.  Allocates: per attempt.  Source: redis.io, "Guidelines for Redis clients with
// support for Redis Sentinel".

import Loop

final class RedisDial {
    private let options: RedisOptions
    private let dialer: Dialer
    private let tls: TLSClientContext?
    private let outcome: (Result<Connection, RedisError>) -> Void
    private var nextServer = 0
    private var lastError = RedisError.unavailable(reason: "no server")

    /// - Parameter outcome: called exactly once, later and on the loop. The connection's handler has
    ///   done its work: whoever gets it gives it another one.
    init(
        _ options: RedisOptions, dialer: Dialer, tls: TLSClientContext?,
        outcome: @escaping (Result<Connection, RedisError>) -> Void
    ) {
        self.options = options
        self.dialer = dialer
        self.tls = tls
        self.outcome = outcome
    }

    /// The closures of the attempt keep it alive.
    func start() { tryNext() }

    private func tryNext() {
        guard nextServer < options.servers.count else { return outcome(.failure(lastError)) }
        let server = options.servers[nextServer]
        nextServer += 1
        if let master = options.sentinelMaster {
            ask(server, for: master)
        } else {
            connect(to: server, mustBeMaster: options.servers.count > 1)
        }
    }

    private func failed(_ error: RedisError) {
        lastError = error
        tryNext()
    }

    private func connect(to server: RedisOptions.Server, mustBeMaster: Bool) {
        let handshake = RedisHandshake(
            options: options, server: server.text, mustBeMaster: mustBeMaster)
        exchange(handshake.commands, with: server, called: "redis") { [self] result in
            switch result {
            case .failure(let error): failed(error)
            case .success(let (connection, replies)):
                if let problem = handshake.problem(in: replies) {
                    connection.abort()
                    failed(problem)
                } else {
                    outcome(.success(connection))
                }
            }
        }
    }

    private func ask(_ sentinel: RedisOptions.Server, for name: String) {
        let commands = SentinelQuery.commands(options, master: name)
        exchange(commands, with: sentinel, called: "sentinel") { [self] result in
            switch result {
            case .failure(let error): failed(error)
            case .success(let (connection, replies)):
                connection.abort()
                switch SentinelQuery.master(in: replies) {
                case .success(let master): connect(to: master, mustBeMaster: true)
                case .failure(let error):
                    failed(
                        .unavailable(
                            reason: "sentinel \(sentinel.text) cannot tell where '\(name)' is:"
                                + " \(error); check \(options.settingName)"))
                }
            }
        }
    }

    private func exchange(
        _ commands: [RedisCommand], with server: RedisOptions.Server, called kind: String,
        _ finished: @escaping (Result<(Connection, [RedisReply]), RedisError>) -> Void
    ) {
        let handler = RedisExchange(commands, options: options) { outcome in
            switch outcome {
            case .replied(let connection, let replies): finished(.success((connection, replies)))
            case .failed(let reason):
                finished(.failure(.unavailable(reason: "\(kind) at \(server.text): \(reason)")))
            }
        }
        let endpoint = Endpoint(host: server.host, port: server.port, tls: tls)
        dialer.dial(endpoint, timeout: options.connectTimeout, handler: handler) { error in
            finished(.failure(.unavailable(reason: "\(kind): \(error.description)")))
        }
    }
}
