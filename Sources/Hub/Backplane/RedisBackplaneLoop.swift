// RedisBackplaneLoop: the backplane's part on its loop: two connections and what is known of
// them.
//
//   publish ─▶ EchoLedger ─▶ RedisLink ─────────▶ PUBLISH ─┐
//                  │ own echo: dropped                     ▼
//   receive ◀─ envelope ◀─ RedisSubscription ◀─ message ─ Redis
//                  SubscriptionTable ─▶ SUBSCRIBE, UNSUBSCRIBE ─▶ confirmed
//                  GapWatch ─▶ PING … PONG ─▶ resumed(since)
//
// What arrives is RedisBackplaneLoop+Receive's, what waits for other pods RedisBackplaneLoop+Calls'.
// SUBSCRIBEs of one tick go out as one command: the first change posts a flush to the mailbox, which
// comes behind all other changes of that tick.
//
// Thread: the loop it was made on.  Allocates: per message its command; what its parts say.

import Loop
import Synchronization

final class RedisBackplaneLoop: RedisSubscriber {
    let channels: BackplaneChannels
    let counters: BackplaneCounters
    let log = Log("backplane")
    let settings: BackplaneSettings
    private let availability: BackplaneAvailability
    unowned let reactor: Reactor
    let link: RedisLink
    private var subscription: RedisSubscription?
    let mailbox: Mailbox<BackplaneRequest>

    private var table = SubscriptionTable<BackplaneChannel, @Sendable () -> Void>()
    var ledger = EchoLedger()
    private(set) var watch: GapWatch
    /// Set by `start`.
    private(set) var receive: (@Sendable (BackplaneEvent) -> Void)?
    /// Of the last PUBLISH sent, and of the last one that Redis has answered.
    private var publishSerial: UInt64 = 0
    private var answeredSerial: UInt64 = 0
    private var isFlushPosted = false
    var calls: RemoteCalls<RemoteWaiter>
    /// Of the last group command.
    var commandCount: Int32 = 0
    /// The timer of the next round of `calls` runs.
    var isRoundArmed = false
    var isRefusalLogged = false
    var unsent: UnsentAnswers

    /// The mailbox keeps the result alive as long as the loop runs.
    init(
        link: RedisLink, reactor: Reactor, channels: BackplaneChannels,
        settings: BackplaneSettings, counters: BackplaneCounters,
        availability: BackplaneAvailability
    ) {
        self.link = link
        self.reactor = reactor
        self.channels = channels
        self.settings = settings
        self.counters = counters
        self.availability = availability
        watch = GapWatch(at: reactor.time.wallNow)
        calls = RemoteCalls(blindTimeMax: settings.publishTimeout)
        unsent = UnsentAnswers(byteCountMax: settings.unsentAnswerByteCountMax)
        let inbox = Inbox()
        mailbox = reactor.makeMailbox { inbox.owner?.handle($0) }
        super.init()
        inbox.owner = self
    }

    /// Gives the mailbox its receiver, which cannot be named before its own mailbox is there.
    private final class Inbox {
        var owner: RedisBackplaneLoop?
    }

    /// Called once, before `start`.
    func makeSubscription(
        _ options: RedisOptions, status: LinkStatus, random: any RandomSource
    ) throws(TLSConfigurationError) {
        let made = try RedisSubscription(
            reactor: reactor, options: options, status: status, random: random, subscriber: self)
        made.onStateChange = { [unowned self] state in subscriptionChanged(to: state) }
        subscription = made
        link.onStateChange = { [unowned self] state in
            updateAvailability()
            if case .ready = state { linkIsReady() }
        }
    }

    private func handle(_ request: BackplaneRequest) {
        switch request {
        case .start(let receive): start(receive)
        case .publish(let publication): publish(publication)
        case .subscribe(let scopes, let ready):
            if !table.acquire(scopes.map { .scope($0) }, waiter: ready) { ready() }
            postFlush()
        case .unsubscribe(let scopes):
            for ready in table.release(scopes.map { .scope($0) }) { ready() }
            postFlush()
        case .apply(let change, let done): command(change, done)
        case .call(let remoteCall): call(remoteCall)
        case .abandon(let requestID, let payload, let holder):
            fail(.request(requestID), .abandoned)
            send(payload, to: channels.name(of: holder)) { _ in }
        case .answer(let payload, let channel): answer(payload, on: channel)
        case .flush:
            isFlushPosted = false
            flush()
        }
    }

    private func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {
        precondition(self.receive == nil, "a backplane is started once")
        self.receive = receive
        _ = table.acquire([.all, .groupCommands, .acks, .returns, .transportReplies]) {}
        link.start()
        subscription?.start()
        reactor.every(settings.fenceInterval) { [unowned self] in heartbeat() }
    }

    // MARK: Publishing

    private func publish(_ publication: BackplanePublication) {
        let countdown = Countdown(publication.channels.count, publication.accepted)
        for channel in publication.channels {
            // Redis answers in order, so this is the serial that `send` will give it.
            let serial = publishSerial + 1
            let isEchoed = table.isSubscribed(channel)
            let name = channels.name(of: channel)
            if isEchoed { ledger.expect(publication.digest, on: name, serial: serial) }
            send(publication.payload, to: name) { [unowned self] result in
                if case .failure(let error) = result {
                    if isEchoed { ledger.withdraw(serial: serial, on: name) }
                    countdown.finish(error)
                } else {
                    countdown.finish(nil)
                }
            }
        }
    }

    /// - Parameter outcome: called once, on the loop, perhaps before `send` returns: how many
    ///   connections to Redis the message was sent on to, our own among them.
    func send(
        _ payload: [UInt8], to channel: String,
        outcome: @escaping (Result<Int64, BackplaneError>) -> Void
    ) {
        publishSerial += 1
        let serial = publishSerial
        var command = RedisCommand(
            "PUBLISH", argumentCount: 2, byteCount: payload.count + channel.utf8.count)
        command.append(channel)
        command.append(payload)
        link.send(command, timeout: settings.publishTimeout) { [unowned self] result in
            switch result {
            case .success(let reply):
                answeredSerial = serial
                counters.published.add(1, ordering: .relaxed)
                // Anything but a number is no Redis; nobody is then given up too early.
                let receiverCount: Int64 = if case .integer(let count) = reply { count } else { 1 }
                outcome(.success(receiverCount))
            case .failure(let error):
                counters.publishFailed.add(1, ordering: .relaxed)
                outcome(.failure(.unavailable(reason: error.description)))
            }
        }
    }

    /// Tells the caller once, when all channels of a publication are done.
    private final class Countdown {
        private var leftCount: Int
        private var firstError: BackplaneError?
        private let accepted: @Sendable (BackplaneError?) -> Void

        init(_ count: Int, _ accepted: @escaping @Sendable (BackplaneError?) -> Void) {
            leftCount = count
            self.accepted = accepted
        }

        func finish(_ error: BackplaneError?) {
            leftCount -= 1
            firstError = firstError ?? error
            if leftCount == 0 { accepted(firstError) }
        }
    }

    // MARK: Subscriptions

    private func postFlush() {
        if isFlushPosted || !table.hasChanges { return }
        isFlushPosted = true
        mailbox.post(.flush)
    }

    private func flush() {
        guard let subscription else { return }
        let commands = table.flush(underWayMax: settings.channelCountUnderWayMax)
        for some in commands.unsubscribe.chunks(of: settings.channelCountPerCommandMax) {
            subscription.unsubscribe(some.map { channels.name(of: $0) })
        }
        for some in commands.subscribe.chunks(of: settings.channelCountPerCommandMax) {
            let names = some.map { channels.name(of: $0) }
            // What was expected before would come from a subscription that is over.
            for name in names { ledger.forget(name) }
            subscription.subscribe(names)
        }
        if watch.needsPing && !table.hasChanges { ping() }
    }

    private func ping() {
        guard let subscription, case .ready = subscription.state else { return }
        subscription.ping(
            watch.ping(
                at: reactor.time.wallNow, publishSerial: answeredSerial,
                isComplete: !table.hasChanges))
    }

    private func heartbeat() {
        flush()
        ping()
    }

    override func connected() {
        ledger.forgetAll()
        table.connected()
        flush()
    }

    override func disconnected(_ error: RedisError) {
        ledger.forgetAll()
        noteLoss()
        watch.disconnected()
        failAll(.unavailable(reason: error.description))
        let waiters = table.disconnected()
        updateAvailability()
        for ready in waiters { ready() }
    }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        arrived(channel: channel, payload: payload)
    }

    override func subscribed(to name: String) {
        guard let channel = channels.channel(named: name) else { return }
        for ready in table.subscribed(channel) { ready() }
        postFlush()
    }

    override func unsubscribed(from name: String) {
        guard let channel = channels.channel(named: name) else { return }
        table.unsubscribed(channel)
        postFlush()
    }

    /// Most likely a right that the user lacks; the heartbeat tries again.
    override func refused(_ error: RedisServerError) {
        log.error(
            "redis refuses to subscribe: give its user SUBSCRIBE and the hub's channels",
            [.reason(error.description)])
        noteLoss()
        watch.lost()
        let waiters = table.refused()
        updateAvailability()
        for ready in waiters { ready() }
    }

    private func subscriptionChanged(to state: RedisLinkState) {
        if case .stalled = state {
            // Local members shall not wait for a server that may never answer. Its subscriptions
            // stand if it does, and the gap covers what came meanwhile.
            noteLoss()
            watch.lost()
            for ready in table.stopWaiting() { ready() }
        }
        updateAvailability()
        if case .ready = state { flush() }
    }

    override func pong(_ token: String) {
        guard let proof = watch.pong(token) else { return }
        ledger.passedFence(serial: proof.publishSerial)
        guard let since = proof.endedGap else { return }
        updateAvailability()
        log.info(
            "subscribed",
            [.integer("channels", table.channelCount), .string("since", since.description)])
        receive?(.resumed(since: since))
    }

    private func noteLoss() {
        if watch.isWhole { counters.gaps.add(1, ordering: .relaxed) }
    }

    private func updateAvailability() {
        var isAvailable = false
        if watch.isWhole, case .ready = link.state { isAvailable = true }
        availability.value.store(isAvailable, ordering: .relaxed)
    }
}

@available(*, unavailable)
extension RedisBackplaneLoop: Sendable {}

extension Array {
    /// Slices of at most `count` elements, in order.
    func chunks(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { start in
            Array(self[start..<Swift.min(start + count, self.count)])
        }
    }
}
