// HubLoop: the hub's part on one loop: its connections, who they are, and delivery to them.
//
//   mailbox ─▶ deliver ─▶ registry / users / groups ─▶ tokens ─▶ one SharedBytes on every queue
//           └▶ reply, item, request ─▶ the connection, if it still is there
//
// A delivery hashes a name once, makes the payload once, and then walks a row of tokens. It never
// waits for a socket: what becomes of a queue beyond `HubOptions.outboundByteCountMax` the loop does as
// `HubOptions.slowClient` says, and one that makes no progress for `Limits.writeStallTimeout` it cuts.
// Clients without a WebSocket and those that may resume are sessions: HubLoop+Sessions has their
// requests and their clock.
//
// Thread: one loop.  Allocates: one payload per delivery that has a receiver.

import Loop
import WS

public final class HubLoop {
    let server: HubServer
    /// It holds us by our mailbox; unsafe, because a check per message is not free.
    unowned(unsafe) let reactor: Reactor
    let mailbox: Mailbox<HubLoopMessage>
    /// Among the server's loops.
    let number: Int
    /// Every connection that is sent pushes obeys it.
    let outboundRule: OutboundRule.Number
    private let log = Log("hub")
    /// From the transport's opening to its end, handshake or not.
    private(set) var registry = ConnectionRegistry<HubConnection>()
    /// Nil before a drain.
    var drainQueue: DrainQueue?
    private var users = UserTable()
    private var groups = GroupTable()
    private var counted = HubCounters()
    var sessions = SessionTable()
    /// Clients that wait for their bucket.
    var throttled: [Throttled] = []
    let messageRate: RateLimit?
    /// Connections that ended while `onConnected` was still deciding.
    private var undecided: [EventToken: Undecided] = [:]
    /// `{"type":6}` in a frame, shared by all pings of this loop.
    let pingFrame: SharedBytes
    /// Nil unless `HubOptions.compression` is on.
    let deflate: MessageDeflate?
    let random: any RandomSource

    private enum Undecided {
        case open
        case ended(HubCaller, HubEnd)
    }

    /// Called on the loop's thread, before it listens. The loop's mailbox keeps the result alive.
    public init(
        server: HubServer, reactor: Reactor, random: any RandomSource = SystemRandom()
    ) {
        self.server = server
        self.random = random
        self.reactor = reactor
        deflate = MessageDeflate(server.options.compression)
        messageRate = server.options.messageRate
        pingFrame = SharedBytes(copying: FrameWriter.makeFrame(HubProtocol.json.ping, as: .text))
        outboundRule = reactor.add(
            OutboundRule(
                byteCountMax: server.options.outboundByteCountMax,
                policy: server.options.slowClient))
        let inbox = Inbox()
        mailbox = reactor.makeMailbox { inbox.owner?.receive($0) }
        number = server.loops.add(mailbox)
        inbox.owner = self
        reactor.onDrain {
            inbox.owner?.beginDrain()
        } backlog: {
            inbox.owner?.drainBacklog ?? 0
        }
    }

    /// Gives the mailbox its receiver, which cannot be named before its own mailbox is there.
    private final class Inbox {
        var owner: HubLoop?
    }

    deinit { pingFrame.release() }

    /// Connections of this loop, those still in their handshake included.
    public var connectionCount: Int { registry.count }

    public var counters: HubCounters {
        var counters = counted
        counters.openCount = registry.count
        counters.compressedCount = deflate?.compressedCount ?? 0
        counters.compressionSavedByteCount = deflate?.savedByteCount ?? 0
        return counters
    }

    /// When a time of the wall clock will be.
    func instant(of time: WallTime) -> MonotonicInstant {
        let wallNow = reactor.time.wallNow
        return reactor.now.advanced(
            by: .microseconds(time.microseconds - wallNow.microseconds))
    }

    // MARK: Membership

    /// - Returns: false if another loop holds the session's id by now.
    func opened(_ connection: HubConnection) -> Bool {
        if connection.token.isSession, !add(session: connection) { return false }
        registry.insert(connection, id: connection.connectionID, token: connection.token)
        counted.openedCount += 1
        counted.openCountByTransport[connection.transport, default: 0] += 1
        return true
    }

    /// Makes messages for the scopes come here.
    ///
    /// - Returns: whether they do now; else `HubConnection.subscribed` is called when they do. A
    ///   client must not be able to leave between the two where there is nothing to wait for.
    func subscribe(to scopes: [BackplaneScope], for token: EventToken) -> Bool {
        server.loops.enter(scopes, loop: number)
        let ready = OneShot<Bool>(abandoned: false) { [mailbox] isReady in
            if isReady { mailbox.post(.subscribed(token)) }
        }
        server.backplane.subscribe(to: scopes) { ready.give(true) }
        return ready.callReturned() ?? false
    }

    /// Takes back one `subscribe`.
    func unsubscribe(from scopes: [BackplaneScope]) {
        server.loops.leave(scopes, loop: number)
        server.backplane.unsubscribe(from: scopes)
    }

    /// From now on the connection receives what is sent to it, its user and everybody.
    func activated(_ connection: HubConnection) {
        let token = connection.token
        registry.activate(
            token, directProtocol: token.isSession ? nil : connection.hubProtocol,
            deflateWindow: connection.deflateWindow)
        if let user = connection.userID { users.insert(token, user: user) }
    }

    /// `onConnected` will decide later.
    func awaitsDecision(_ token: EventToken) { undecided[token] = .open }

    /// Called once; the connection receives nothing from now on.
    func ended(_ connection: HubConnection, by end: HubEnd) {
        let token = connection.token
        counted.endedCountByReason[end.reason, default: 0] += 1
        if isDraining { server.drain.ended() }
        counted.openCountByTransport[connection.transport, default: 0] -= 1
        registry.remove(token, id: connection.connectionID)
        if let user = connection.userID { users.remove(token, user: user) }
        let left = groups.leaveAll(token)
        if !left.isEmpty { unsubscribe(from: left.map { .group($0) }) }
        if undecided[token] != nil { undecided[token] = .ended(connection.makeCaller(), end) }
    }

    /// Pushes to clients that fetch, and did not.
    func countDropped(_ count: Int) { counted.droppedCount += count }
    func countSuperseded(_ count: Int) { counted.supersededCount += count }
    func member(_ token: EventToken) -> HubConnection? { registry.member(token) }

    func count(_ limit: HubLimit) { counted.hitCountByLimit[limit, default: 0] += 1 }

    /// - Parameter done: called once, on any thread, when messages to the group arrive.
    func join(_ token: EventToken, group: String, done: @escaping @Sendable () -> Void) {
        guard groups.join(token, group: group) else { return done() }
        server.loops.enter([.group(group)], loop: number)
        server.backplane.subscribe(to: [.group(group)], ready: done)
    }

    func leave(_ token: EventToken, group: String) {
        if groups.leave(token, group: group) { unsubscribe(from: [.group(group)]) }
    }

    // MARK: Messages from other threads

    private func receive(_ message: HubLoopMessage) {
        switch message {
        case .deliver(let target, let invocation): deliver(invocation, to: target)
        case .reply(let token, let serial, let outcome):
            registry.member(token)?.replied(outcome, serial: serial)
        case .item(let token, let serial, let item, let taken):
            guard let member = registry.member(token) else { return taken(false) }
            member.send(item: item, serial: serial, taken: taken)
        case .room(let token): registry.member(token)?.readOn()
        case .suspendSlot(let token, let serial):
            registry.member(token)?.suspendSlot(serial: serial)
        case .resumeSlot(let token, let serial):
            registry.member(token)?.resumeSlot(serial: serial)
        case .request(let token, let request): obey(request, on: token)
        case .membership(let id, let request): obey(request, on: registry.token(ofID: id))
        case .subscribed(let token): registry.member(token)?.subscribed()
        case .decided(let token, let decision): decided(decision, token)
        case .ask(let question, let answered):
            let token = registry.activeToken(ofID: question.connectionID)
            guard let member = token.flatMap(registry.member) else { return answered(nil) }
            member.ask(question, answered: answered)
        case .reachable(let token): registry.member(token)?.reachable()
        case .transport(let request, let answered): handle(request, answered)
        case .attached(let socket, let answer):
            (reactor.handler(of: socket) as? EventStream)?.attached(answer)
        case .abandoned(let request): abandon(request)
        case .unheld(let attempt): begin(attempt)
        case .relay(let event, let socket, let id): relay(event, of: socket, to: id)
        case .relayed(let token, let order):
            (reactor.handler(of: token) as? RelaySocket)?.obey(order)
        }
    }

    private func decided(_ decision: ConnectDecision, _ token: EventToken) {
        let before = undecided.removeValue(forKey: token)
        if let member = registry.member(token) { return member.decided(decision) }
        // The hub has accepted a connection that was gone already.
        if case .ended(let caller, let end) = before, decision == .accept {
            server.methods.onDisconnected(caller, end)
        }
    }

    private func obey(_ request: HubCaller.Request, on token: EventToken?) {
        // A member by now, or never: the directory knows either from `join`.
        defer { server.loops.withdraw(request, loop: number) }
        guard let token, let member = registry.member(token) else { return request.abandon() }
        member.perform(request)
    }

    /// For a caller's use from any thread.
    func makeRequester(
        for token: EventToken
    ) -> @Sendable (HubCaller.Request) -> Void {
        let (directory, mailbox, number) = (server.loops, mailbox, number)
        return { request in
            directory.announce(request, loop: number)
            mailbox.post(.request(token, request))
        }
    }

    private func deliver(_ invocation: EncodedInvocation, to target: HubTarget) {
        var delivery = Delivery(invocation: invocation, reactor: reactor, deflate: deflate)
        defer { finish(&delivery, invocation) }
        if registry.isUniform {
            return forEachReceiver(of: target) { delivery.send(to: $0) }
        }
        forEachReceiver(of: target) { token in
            if let hubProtocol = registry.directProtocol(token) {
                delivery.send(
                    to: token, hubProtocol: hubProtocol,
                    deflateWindow: registry.deflateWindow(token))
            } else {
                delivery.countIndirect(token)
            }
        }
    }

    /// Inlined, so that what is done with each is too.
    @inline(__always)
    private func forEachReceiver(of target: HubTarget, _ body: (EventToken) -> Void) {
        switch target {
        case .all: for token in registry.activeTokens { body(token) }
        case .allExcept(let ids):
            let excluded = tokens(ofIDs: ids)
            for token in registry.activeTokens where !excluded.contains(token) { body(token) }
        case .connection(let id): tokens(ofIDs: [id]).forEach(body)
        case .connections(let ids): tokens(ofIDs: ids).forEach(body)
        case .group(let name): groups.forEachMember(of: name, body)
        case .groups(let names): for name in names { groups.forEachMember(of: name, body) }
        case .groupExcept(let name, let ids):
            let excluded = tokens(ofIDs: ids)
            groups.forEachMember(of: name) { if !excluded.contains($0) { body($0) } }
        case .user(let id): users.forEachConnection(of: id, body)
        case .users(let ids): for id in ids { users.forEachConnection(of: id, body) }
        }
    }

    private func finish(_ delivery: inout Delivery, _ invocation: EncodedInvocation) {
        let receiverCount = delivery.receiverCount
        if receiverCount > 0 {
            counted.messageCount += 1
            counted.deliveryCount += receiverCount
            if server.tracer.isOn {
                server.tracer.end(server.tracer.beginPush(of: invocation, to: receiverCount))
            }
        }
        // Their objects may end, and change the tables that have just been walked.
        for token in delivery.indirect { registry.member(token)?.deliver(invocation) }
        let unable = delivery.finish()
        if unable.isEmpty { return }
        log.error(
            "connections aborted: a message for them has no form in their protocol",
            [.integer("connections", unable.count)])
        for token in unable { registry.member(token)?.lacksProtocol() }
    }

    private func tokens(ofIDs ids: [String]) -> [EventToken] {
        ids.compactMap { id in registry.activeToken(ofID: id) }
    }
}

@available(*, unavailable)
extension HubLoop: Sendable {}
