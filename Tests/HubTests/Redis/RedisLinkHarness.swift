// RedisLinkHarness: a loop with one link or one subscription, and what they told in order.

import Loop
import TestSupport

@testable import Hub

final class RedisLinkHarness {
    let client: RedisClient
    let status = LinkStatus(name: "redis")
    let states = Monitor<[RedisLinkState]>([])
    private let group = LoopGroup()

    convenience init(
        _ server: RedisServer, _ change: @escaping @Sendable (inout RedisOptions) -> Void = { _ in }
    ) throws {
        try self.init(server.address, change)
    }

    init(
        _ address: String, _ change: @escaping @Sendable (inout RedisOptions) -> Void = { _ in }
    ) throws {
        var options = try RedisOptions(address)
        change(&options)
        let made = Monitor<RedisClient?>(nil)
        let (status, states, chosen) = (status, states, options)
        try group.start(count: 1, name: "redis", limits: Limits()) { reactor, _ in
            let link = try RedisLink(
                reactor: reactor, options: chosen, status: status, random: SeededRandom(seed: 1))
            link.onStateChange = { state in states.update { $0.append(state) } }
            made.update { $0 = RedisClient(link: link) }
            link.start()
        }
        client = made.withLock { $0! }
    }

    deinit { group.stop() }

    func ready() throws(RedisError) { try client.waitUntilReady(atMost: .seconds(20)) }

    /// The text of the reply to one command.
    func ask(
        _ name: StaticString, _ arguments: String..., timeout: Duration = .seconds(20)
    ) throws(RedisError) -> String? {
        try client.call([RedisCommand(name, arguments)], timeout: timeout)[0].text
    }

    /// Waits until the link has got into such a state, counted from `start` changes on.
    func waitForState(from start: Int = 0, _ isWanted: (RedisLinkState) -> Bool) -> Bool {
        states.wait(atMost: .seconds(20)) {
            $0.dropFirst(start).contains(where: isWanted) ? true : nil
        }
            ?? false
    }

    var stateCount: Int { states.withLock { $0.count } }
}

extension RedisLinkState {
    var isAway: Bool { if case .away = self { true } else { false } }
}

final class RedisSubscriptionHarness {
    private final class Recorder: RedisSubscriber {
        let events: Monitor<[String]>
        var subscription: RedisSubscription!

        init(_ events: Monitor<[String]>) { self.events = events }

        private func tell(_ event: String) { events.update { $0.append(event) } }

        override func connected() { tell("connected") }
        override func disconnected(_ error: RedisError) { tell("disconnected") }
        override func subscribed(to channel: String) { tell("subscribed \(channel)") }
        override func unsubscribed(from channel: String) { tell("unsubscribed \(channel)") }
        override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
            tell(
                "message \(String(decoding: channel, as: UTF8.self))"
                    + " \(String(decoding: payload, as: UTF8.self))")
        }
        override func pong(_ token: String) { tell("pong \(token)") }
        override func refused(_ error: RedisServerError) { tell("refused \(error.code)") }
    }

    let events = Monitor<[String]>([])
    let states = Monitor<[RedisLinkState]>([])
    let status = LinkStatus(name: "redis")
    private let group = LoopGroup()
    private let orders: Mailbox<@Sendable (RedisSubscription) -> Void>

    init(
        _ server: RedisServer, _ change: @escaping @Sendable (inout RedisOptions) -> Void = { _ in }
    ) throws {
        var options = try RedisOptions(server.address)
        change(&options)
        let made = Monitor<Mailbox<@Sendable (RedisSubscription) -> Void>?>(nil)
        let (events, states, status, chosen) = (events, states, status, options)
        try group.start(count: 1, name: "redis", limits: Limits()) { reactor, _ in
            let recorder = Recorder(events)
            let subscription = try RedisSubscription(
                reactor: reactor, options: chosen, status: status, random: SeededRandom(seed: 1),
                subscriber: recorder)
            recorder.subscription = subscription
            subscription.onStateChange = { state in states.update { $0.append(state) } }
            made.update { $0 = reactor.makeMailbox { $0(recorder.subscription) } }
            subscription.start()
        }
        orders = made.withLock { $0! }
    }

    deinit { group.stop() }

    func run(_ order: @escaping @Sendable (RedisSubscription) -> Void) { orders.post(order) }

    /// The first `count` events, as soon as there are so many.
    func events(_ count: Int) -> [String] {
        events.wait(atMost: .seconds(20)) { $0.count >= count ? Array($0.prefix(count)) : nil }
            ?? events.withLock { $0 }
    }

    func waitForState(_ isWanted: (RedisLinkState) -> Bool) -> Bool {
        states.wait(atMost: .seconds(20)) { $0.contains(where: isWanted) ? true : nil } ?? false
    }
}
