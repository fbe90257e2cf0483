// StateUnderTest: either workflow state behind the same port, with a way to the keys in Redis.

import Hub
import Loop
import TestSupport

@testable import Services

enum StateEngine: String, CaseIterable, Sendable {
    case embedded, redis

    static var available: [StateEngine] {
        RedisServer.sharedURL == nil ? [.embedded] : allCases
    }

    func open() throws -> StateUnderTest {
        switch self {
        case .embedded: return StateUnderTest(state: EmbeddedWorkflowState(), redis: nil)
        case .redis:
            let redis = try RedisUnderTest(RedisServer.sharedURL!)
            return StateUnderTest(state: redis.state, redis: redis)
        }
    }
}

struct StateUnderTest {
    let state: any WorkflowState
    /// Keeps the loop running; nil for the embedded one.
    let redis: RedisUnderTest?
}

/// A client of a real server, with the workflow state on it.
final class RedisUnderTest {
    let client: RedisClient
    let state: RedisWorkflowState
    private let group = LoopGroup()

    init(
        _ address: String, _ change: (inout RedisWorkflowState.Settings) -> Void = { _ in }
    ) throws {
        let options = try RedisOptions(address)
        let made = Monitor<RedisClient?>(nil)
        try group.start(count: 1, name: "redis", limits: Limits()) { reactor, _ in
            let link = try RedisLink(
                reactor: reactor, options: options, status: LinkStatus(name: "redis"))
            made.update { $0 = RedisClient(link: link) }
            link.start()
        }
        client = made.withLock { $0! }
        var settings = RedisWorkflowState.Settings()
        // Patient, because the machine that runs the tests may be loaded.
        settings.callTimeout = .seconds(20)
        change(&settings)
        state = RedisWorkflowState(redis: client, settings: settings)
        try client.waitUntilReady(atMost: .seconds(20))
    }

    deinit { group.stop() }

    @discardableResult func run(_ name: StaticString, _ arguments: String...) throws -> RedisReply {
        try client.call([RedisCommand(name, arguments)], timeout: .seconds(20))[0]
    }

    /// Seconds a key has left to live, rounded up; nil for one that is not there or lives for ever.
    func secondsLeft(_ key: String) throws -> Int64? {
        guard case .integer(let milliseconds) = try run("PTTL", key), milliseconds >= 0 else {
            return nil
        }
        return (milliseconds + 999) / 1000
    }
}
