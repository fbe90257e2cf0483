// BarePod: a backplane without a hub behind it; the test plays the pod's connections.

import Glibc
import Loop
import Testing
import TestSupport

@testable import Hub

final class BarePod {
    struct Asked: Sendable {
        let question: ClientQuestion
        let answer: @Sendable (ClientAnswer?) -> Void
    }

    struct Forwarded: Sendable {
        let request: TransportRequest
        let answer: @Sendable (TransportAnswer?) -> Void
    }

    let backplane: RedisBackplane
    private let held = Monitor<Set<String>>([])
    private let asked = Monitor<[Asked]>([])
    private let forwarded = Monitor<[Forwarded]>([])
    private let changes = Monitor<[GroupChange]>([])
    private let resumedCount = Monitor(0)
    private let links = LoopGroup()
    private let redis: any TestRedis

    var channels: BackplaneChannels { backplane.channels }
    var counters: BackplaneCounters { backplane.counters }

    init(
        _ redis: any TestRedis, settings: BackplaneSettings,
        configure: @Sendable (inout RedisOptions) -> Void = { _ in }
    ) throws {
        self.redis = redis
        var options = RedisOptions(servers: [.init(host: "127.0.0.1", port: redis.port)])
        options.clientName = settings.channelPrefix
        configure(&options)
        let made = Monitor<RedisBackplane?>(nil)
        try links.start(count: 1, name: "links", limits: Limits()) { [options] reactor, _ in
            let backplane = try RedisBackplane(
                reactor: reactor, options: options, settings: settings)
            made.update { $0 = backplane }
        }
        backplane = made.withLock { $0! }
        backplane.start { [held, asked, forwarded, changes, resumedCount] event in
            switch event {
            case .ask(let question, let answered):
                asked.update { $0.append(Asked(question: question, answer: answered)) }
            case .transport(let request, let answered):
                forwarded.update { $0.append(Forwarded(request: request, answer: answered)) }
            case .change(let change, let applied):
                changes.update { $0.append(change) }
                if held.withLock({ $0.contains(change.connectionID) }) { applied() }
            case .resumed: resumedCount.update { $0 += 1 }
            case .deliver: break
            }
        }
        _ = resumedCount.wait(atMost: .seconds(30)) { $0 > 0 ? true : nil }
        let deadline = SystemTime().monotonicNow.advanced(by: .seconds(30))
        while !backplane.isAvailable, SystemTime().monotonicNow < deadline { usleep(1000) }
        #expect(backplane.isAvailable)
    }

    deinit { die() }

    /// Two that know of each other; the second one holds the connection `c`.
    static func pair(
        _ redis: any TestRedis, _ settings: BackplaneSettings = .unique()
    ) throws -> (asker: BarePod, owner: BarePod) {
        let pods = (
            asker: try BarePod(redis, settings: settings),
            owner: try BarePod(redis, settings: settings)
        )
        pods.owner.hold("c")
        return pods
    }

    /// Cuts its connections and ends, as the kernel does for a process that is killed.
    func die() { links.stop() }

    private static func scopes(_ id: String) -> [BackplaneScope] {
        [.connection(id), .transport(id)]
    }

    func hold(_ id: String) {
        held.update { _ = $0.insert(id) }
        let isReady = Monitor(false)
        backplane.subscribe(to: Self.scopes(id)) { isReady.update { $0 = true } }
        #expect(isReady.wait(atMost: .seconds(30)) { $0 ? true : nil } == true)
    }

    func letGo(_ id: String) {
        held.update { _ = $0.remove(id) }
        backplane.unsubscribe(from: Self.scopes(id))
    }

    // MARK: As the one who asks

    func ask(_ connectionID: String = "c", id: String = .uniqueID()) -> Told<ClientAnswer> {
        let told = Told<ClientAnswer>()
        let question = ClientQuestion(
            connectionID: connectionID, invocationID: id,
            invocation: EncodedInvocation(
                target: "GetValue", arguments: [json("1")], invocationID: id))
        backplane.ask(question) { told.tell($0) }
        return told
    }

    func forward(
        _ kind: TransportRequest.Kind, to connectionID: String = "c", id: String = .uniqueID(),
        expiresAt: WallTime? = nil
    ) -> Told<TransportAnswer?> {
        let told = Told<TransportAnswer?>()
        let request = TransportRequest(
            kind: kind, connectionID: connectionID, requestID: id, expiresAt: expiresAt)
        backplane.forward(request) { told.tell($0) }
        return told
    }

    func change(_ connectionID: String) -> Told<BackplaneError?> {
        let told = Told<BackplaneError?>()
        let change = GroupChange(connectionID: connectionID, group: "g", isJoin: true)
        backplane.apply(change) { told.tell($0) }
        return told
    }

    // MARK: As the one who holds the connection

    /// The questions so far, once there are `count`.
    func asked(_ count: Int = 1) throws -> [Asked] { try Self.first(count, of: asked) }

    func forwarded(_ count: Int = 1) throws -> [Forwarded] { try Self.first(count, of: forwarded) }

    func changes(_ count: Int = 1) throws -> [GroupChange] { try Self.first(count, of: changes) }

    private static func first<T>(_ count: Int, of monitor: Monitor<[T]>) throws -> [T] {
        try #require(monitor.wait(atMost: .seconds(30)) { $0.count >= count ? $0 : nil })
    }
}

/// What somebody is told, which must be once.
final class Told<Value: Sendable>: Sendable {
    private let values = Monitor<[Value]>([])

    func tell(_ value: Value) { values.update { $0.append(value) } }

    /// Waits for it.
    func value() throws -> Value {
        let values = try #require(values.wait(atMost: .seconds(30)) { $0.isEmpty ? nil : $0 })
        #expect(values.count == 1)
        return values[0]
    }

    var isWaiting: Bool { values.withLock { $0.isEmpty } }
}

extension String {
    /// As the hub's ids are: 22 characters.
    static func uniqueID() -> String { Base64URL.encode(SystemRandom().bytes(16)) }
}
