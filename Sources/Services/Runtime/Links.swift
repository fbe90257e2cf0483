// Links: the loop that carries this process's connections to other servers.
//
//   main ── make(body) ──▶ links-0: body(reactor) ──▶ a Sendable handle
//
// A loop of its own: what Redis, the broker or a token authority do to us never delays a client's
// socket. One exception: where one loop holds all clients, it also reads the hubs' backplane
// (docs/DECISIONS/0016).
//
// Thread: main; what `make` is given runs on the loop.

import Loop

final class Links {
    /// Few, and none of them a stranger's.
    private static let connectionCountMax = 256

    private let group: LoopGroup
    private let jobs: LoopJobs

    /// Starts the loop.
    init() throws {
        var limits = Limits()
        limits.connectionCountMax = Self.connectionCountMax
        // A broker or a Redis may have more to say at once than any client.
        limits.leftoverByteCountMax = 32 * 1024 * 1024
        let group = LoopGroup()
        let made = Monitor<LoopJobs?>(nil)
        try group.start(count: 1, name: "links", limits: limits) { reactor, _ in
            let jobs = LoopJobs(on: reactor)
            made.update { $0 = jobs }
        }
        self.group = group
        guard let jobs = made.withLock({ $0 }) else {
            preconditionFailure("the loop has started without its set-up")
        }
        self.jobs = jobs
    }

    /// As `LoopJobs.make`.
    func make<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (Reactor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try jobs.make(body)
    }

    /// Cuts what is open. Nothing made here can be used after it.
    func stop() { group.stop() }
}
