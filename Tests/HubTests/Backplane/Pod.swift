// Pod: one hub with its own links' loop and backplane; several of them make a cluster in one process.

import Glibc
import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

final class Pod {
    let hub: HubHarness
    let backplane: RedisBackplane
    /// What `onBackplaneResumed` was told.
    let gaps = Monitor<[HubServer.Gap]>([])
    private let links = LoopGroup()
    /// Kept alive: some tests name their server nowhere else.
    private let redis: any TestRedis

    var server: HubServer { hub.server }
    var channels: BackplaneChannels { backplane.channels }

    /// - Parameter configure: what differs from a plain connection.
    init(
        _ redis: any TestRedis, settings: BackplaneSettings,
        configure: @Sendable (inout RedisOptions) -> Void = { _ in }
    ) throws {
        self.redis = redis
        var options = RedisOptions(servers: [.init(host: "127.0.0.1", port: redis.port)])
        options.clientName = settings.channelPrefix
        options.heartbeatInterval = .milliseconds(300)
        options.heartbeatTimeout = .milliseconds(500)
        options.stallTimeout = .seconds(20)
        configure(&options)
        let made = Monitor<RedisBackplane?>(nil)
        try links.start(count: 1, name: "links", limits: Limits()) { [options] reactor, _ in
            let backplane = try RedisBackplane(
                reactor: reactor, options: options, settings: settings)
            made.update { $0 = backplane }
        }
        backplane = made.withLock { $0! }
        hub = try HubHarness(
            backplane: backplane,
            onBackplaneResumed: { [gaps] gap in gaps.update { $0.append(gap) } })
    }

    /// Two pods that know of each other.
    static func pair(
        _ redis: any TestRedis, _ settings: BackplaneSettings = .unique()
    ) throws -> (Pod, Pod) {
        let pods = (try Pod(redis, settings: settings), try Pod(redis, settings: settings))
        pods.0.becomeAvailable()
        pods.1.becomeAvailable()
        return pods
    }

    /// A client whose subscriptions are there.
    func connect(_ query: String = "") throws -> WebSocketClient {
        let client = try hub.connect(query)
        _ = try client.call("Nothing")
        return client
    }

    /// Waits until the pod can publish and hears everything.
    func becomeAvailable(afterGaps count: Int = 1) {
        resumed(count)
        let deadline = SystemTime().monotonicNow.advanced(by: .seconds(30))
        while !backplane.isAvailable {
            guard SystemTime().monotonicNow < deadline else {
                Issue.record("the backplane has not become available")
                return
            }
            usleep(1000)
        }
    }

    deinit { links.stop() }

    /// Waits until the backplane has been whole again that often; the start counts as the first.
    @discardableResult func resumed(_ count: Int = 1) -> HubServer.Gap? {
        gaps.wait(atMost: .seconds(30)) { $0.count >= count ? $0[count - 1] : nil }
    }

    /// Sends from this pod and waits for the backplane's word.
    func send(_ target: HubTarget, _ name: String) -> BackplaneError? {
        let told = Monitor<BackplaneError??>(nil)
        server.send(to: target, target: name, arguments: []) { error in
            told.update { $0 = .some(error) }
        }
        let answer = told.wait(atMost: .seconds(30)) { $0 }
        return answer ?? .unanswered
    }

    /// Joins or leaves by a connection's id and waits for the answer.
    func change(_ id: String, group: String, isJoin: Bool = true) -> BackplaneError? {
        let told = Monitor<BackplaneError??>(nil)
        let done: @Sendable (BackplaneError?) -> Void = { error in
            told.update { $0 = .some(error) }
        }
        if isJoin {
            server.join(connectionID: id, group: group, done: done)
        } else {
            server.leave(connectionID: id, group: group, done: done)
        }
        return told.wait(atMost: .seconds(30)) { $0 } ?? .unavailable(reason: "never told")
    }
}

extension WebSocketClient {
    func connectionID() throws -> String {
        let record = try call("WhoAmI")
        let start = try #require(record.firstRange(of: "\"result\":\""))
        return String(record[start.upperBound...].prefix { $0 != " " })
    }

    /// The targets of the next invocations up to and without `End`.
    func targetsUntilEnd() throws -> [String] {
        var targets: [String] = []
        while true {
            let record = try receiveRecord()
            guard let start = record.firstRange(of: "\"target\":\"") else { continue }
            let target = String(record[start.upperBound...].prefix { $0 != "\"" })
            if target == "End" { return targets }
            targets.append(target)
        }
    }
}

extension BackplaneSettings {
    private static let count = Atomic<Int>(0)

    /// Channels of one test, on a server that other tests use at the same time.
    static func unique() -> BackplaneSettings {
        var settings = BackplaneSettings()
        let number = count.add(1, ordering: .relaxed).newValue
        settings.channelPrefix = "test\(SystemRandom().below(1 << 40))-\(number)-"
        settings.fenceInterval = .milliseconds(200)
        return settings
    }
}
