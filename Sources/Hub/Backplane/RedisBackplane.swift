// RedisBackplane: the backplane on Redis pub/sub, as every thread sees it. Its wire is that of
// ASP.NET Core SignalR's, so pods of both kinds can share one Redis.
//
//   any thread: encode once ─▶ mailbox ─▶ its loop: RedisBackplaneLoop ─▶ PUBLISH, SUBSCRIBE
//                                               └─▶ receive(event), on that loop
//
// Thread: made on its loop, then any.  Allocates: one payload and one message per call.
// Source: Microsoft.AspNetCore.SignalR.StackExchangeRedis, RedisHubLifetimeManager.

import Loop
import Synchronization

public final class RedisBackplane: Backplane {
    public let counters = BackplaneCounters()
    /// For readiness: the connections that publish and that listen.
    public let statuses: [LinkStatus]
    let channels: BackplaneChannels
    private let mailbox: Mailbox<BackplaneRequest>
    private let isWhole: BackplaneAvailability

    /// Made on the loop that keeps the connections; they are opened by `start`.
    ///
    /// - Parameters:
    ///   - options: its `channelPrefix` is not looked at, `settings` has the one that counts.
    ///   - random: of the server's name and the pauses between attempts.
    /// - Throws: if the options ask for TLS and its files cannot be used.
    public init(
        reactor: Reactor, options: RedisOptions, settings: BackplaneSettings = BackplaneSettings(),
        random: any RandomSource = SystemRandom()
    ) throws(TLSConfigurationError) {
        settings.validate()
        channels = BackplaneChannels(
            settings, serverName: BackplaneChannels.makeServerName(random: random))
        statuses = [
            LinkStatus(name: "backplane-publish", time: reactor.time),
            LinkStatus(name: "backplane-subscribe", time: reactor.time),
        ]
        isWhole = BackplaneAvailability()
        let link = try RedisLink(
            reactor: reactor, options: options, status: statuses[0], random: random)
        let loop = RedisBackplaneLoop(
            link: link, reactor: reactor, channels: channels, settings: settings,
            counters: counters, availability: isWhole)
        try loop.makeSubscription(options, status: statuses[1], random: random)
        mailbox = loop.mailbox
    }

    public var isAvailable: Bool { isWhole.value.load(ordering: .relaxed) }

    public func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {
        mailbox.post(.start(receive))
    }

    public func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        let (addressed, excludedIDs) = addresses(of: target)
        if addressed.isEmpty { return accepted(nil) }
        let payload = InvocationEnvelope(excludedIDs: excludedIDs, invocation: invocation).encode()
        let publication = BackplanePublication(
            channels: addressed, payload: payload,
            digest: payload.withUnsafeBytes { EchoLedger.digest($0) }, accepted: accepted)
        if !mailbox.post(.publish(publication)) { accepted(Self.stopped) }
    }

    /// One message per name. Empty names are nobody's, and skipped as in .NET.
    private func addresses(
        of target: HubTarget
    ) -> (channels: [BackplaneChannel], excludedIDs: [String]) {
        func names(
            _ names: [String], _ scope: (String) -> BackplaneScope
        ) -> [BackplaneChannel] {
            names.filter { !$0.isEmpty }.map { .scope(scope($0)) }
        }
        return switch target {
        case .all: ([.all], [])
        case .allExcept(let ids): ([.all], ids)
        case .connection(let id): (names([id]) { .connection($0) }, [])
        case .connections(let ids): (names(ids) { .connection($0) }, [])
        case .group(let group): (names([group]) { .group($0) }, [])
        case .groups(let groups): (names(groups) { .group($0) }, [])
        case .groupExcept(let group, let ids): (names([group]) { .group($0) }, ids)
        case .user(let id): (names([id]) { .user($0) }, [])
        case .users(let ids): (names(ids) { .user($0) }, [])
        }
    }

    public func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void) {
        mailbox.post(.subscribe(scopes, ready: ready))
    }

    public func unsubscribe(from scopes: [BackplaneScope]) {
        mailbox.post(.unsubscribe(scopes))
    }

    public func apply(
        _ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        if !mailbox.post(.apply(change, done: done)) { done(Self.stopped) }
    }

    public func ask(
        _ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer) -> Void
    ) { answered(.unknown(connectionID: question.connectionID)) }

    public func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) { if request.kind != .abandon { answered(nil) } }

    private static let stopped = BackplaneError.unavailable(reason: "the backplane has stopped")
}

/// Whether both connections are there and everything is subscribed.
final class BackplaneAvailability: Sendable {
    let value = Atomic<Bool>(false)
}

/// What other threads ask of the links' loop.
enum BackplaneRequest: Sendable {
    case start(@Sendable (BackplaneEvent) -> Void)
    case publish(BackplanePublication)
    case subscribe([BackplaneScope], ready: @Sendable () -> Void)
    case unsubscribe([BackplaneScope])
    case apply(GroupChange, done: @Sendable (BackplaneError?) -> Void)
    /// Another pod's command has been carried out here.
    case acknowledge(GroupCommand)
    /// From the loop to itself: behind all requests of this tick.
    case flush
}

/// One payload for one or more channels.
struct BackplanePublication: Sendable {
    let channels: [BackplaneChannel]
    let payload: [UInt8]
    /// Of the payload, by `EchoLedger.digest`.
    let digest: Int
    let accepted: @Sendable (BackplaneError?) -> Void
}
