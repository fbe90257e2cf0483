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
    private let forwardedByteCountMax: Int

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
        forwardedByteCountMax = settings.forwardedByteCountMax
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
    public var isReachedThroughOthers: Bool { isAvailable }

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
    ) {
        counters.questionsAsked.add(1, ordering: .relaxed)
        let address = InvocationEnvelope.ReturnAddress(
            invocationID: question.invocationID, channel: channels.name(of: .returns))
        let envelope = InvocationEnvelope(
            invocation: question.invocation, returnAddress: address)
        post(
            RemoteCall(
                id: .question(question.invocationID), holder: .connection(question.connectionID),
                payload: envelope.encode(), isPoll: false,
                waiter: .question(connectionID: question.connectionID, answered)))
    }

    public func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) {
        if case .send(let body) = request.kind, body.count > forwardedByteCountMax {
            return answered(TransportAnswer(status: 413, contentType: "", body: []))
        }
        counters.requestsForwarded.add(1, ordering: .relaxed)
        let payload = TransportRequestEnvelope(request, server: channels.serverName).encode()
        let holder = BackplaneScope.transport(request.connectionID)
        if request.kind == .abandon {
            mailbox.post(.abandon(requestID: request.requestID, payload, holder: holder))
            return
        }
        post(
            RemoteCall(
                id: .request(request.requestID), holder: holder, payload: payload,
                isPoll: request.kind == .poll, waiter: .request(answered)))
    }

    private func post(_ call: RemoteCall) {
        if mailbox.post(.call(call)) { return }
        call.waiter.fail(.unavailable(reason: Self.stoppedText), counters)
    }

    private static let stoppedText = "the backplane has stopped"
    private static let stopped = BackplaneError.unavailable(reason: stoppedText)
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
    case call(RemoteCall)
    /// Nobody waits for the request any more, as its holder shall know.
    case abandon(requestID: String, _ payload: [UInt8], holder: BackplaneScope)
    /// What another pod has asked for has been done here.
    case answer(_ payload: [UInt8], channel: String)
    /// From the loop to itself: behind all requests of this tick.
    case flush
}

/// A message whose answer comes from the pod that holds a connection.
struct RemoteCall: Sendable {
    let id: RemoteCallID
    let holder: BackplaneScope
    let payload: [UInt8]
    /// May take longer than everything else.
    let isPoll: Bool
    let waiter: RemoteWaiter
}

/// One payload for one or more channels.
struct BackplanePublication: Sendable {
    let channels: [BackplaneChannel]
    let payload: [UInt8]
    /// Of the payload, by `EchoLedger.digest`.
    let digest: Int
    let accepted: @Sendable (BackplaneError?) -> Void
}
