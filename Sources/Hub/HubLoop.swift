// HubLoop: the hub's part on one loop: its connections, who they are, and delivery to them.
//
//   mailbox ─▶ deliver ─▶ registry / users / groups ─▶ tokens ─▶ one SharedBytes on every queue
//           └▶ reply, request ─▶ the connection, if it still is there
//
// A delivery hashes a name once, makes the payload once, and then walks a row of tokens. It never
// waits for a socket: a queue beyond `Limits.outboundByteCountMax`, or one that makes no progress
// for `Limits.writeStallTimeout`, is cut by the loop.
//
// Thread: one loop.  Allocates: one payload per delivery that has a receiver.

import Loop
import WS

/// What other threads send to a loop's hub.
enum HubLoopMessage: Sendable {
    case deliver(HubTarget, EncodedInvocation)
    /// A method's answer; `serial` names the call on its connection.
    case reply(EventToken, serial: UInt64, HubOutcome)
    case request(EventToken, HubCaller.Request)
    case membership(connectionID: String, HubCaller.Request)
    /// The backplane listens, or refuses to.
    case subscribed(EventToken, isReady: Bool)
}

public final class HubLoop {
    let server: HubServer
    unowned let reactor: Reactor
    let mailbox: Mailbox<HubLoopMessage>
    /// From the WebSocket's opening to its end, handshake or not.
    private var registry = ConnectionRegistry<HubConnection>()
    private var users = UserTable()
    private var groups = GroupTable()
    /// `{"type":6}` in a frame, shared by all pings of this loop.
    let pingFrame: SharedBytes

    /// Called on the loop's thread, before its first tick. The loop's mailbox keeps the result alive.
    public init(server: HubServer, reactor: Reactor) {
        self.server = server
        self.reactor = reactor
        let ping = HubProtocol.json.encode(.ping)
        pingFrame = SharedBytes(copying: FrameWriter.makeFrame(ping, as: .text))
        let inbox = Inbox()
        mailbox = reactor.makeMailbox { inbox.owner?.receive($0) }
        inbox.owner = self
        server.loops.add(mailbox)
    }

    /// Gives the mailbox its receiver, which cannot be named before its own mailbox is there.
    private final class Inbox {
        var owner: HubLoop?
    }

    deinit { pingFrame.release() }

    /// Connections of this loop, those still in their handshake included.
    public var connectionCount: Int { registry.count }

    // MARK: Membership

    func opened(_ connection: HubConnection, _ token: EventToken) {
        registry.insert(connection, id: connection.connectionID, token: token)
    }

    /// From now on the connection receives what is sent to it, its user and everybody.
    func activated(_ connection: HubConnection, _ token: EventToken) {
        registry.activate(token)
        if let user = connection.userID { users.insert(token, user: user) }
    }

    /// Called once; the connection receives nothing from now on.
    func ended(_ connection: HubConnection, _ token: EventToken) {
        registry.remove(token)
        users.remove(token)
        let left = groups.leaveAll(token)
        if !left.isEmpty { server.backplane.unsubscribe(from: left.map { .group($0) }) }
    }

    func join(_ token: EventToken, group: String) {
        if groups.join(token, group: group) {
            // Nobody waits for a group's subscription; what is published before it is not received.
            server.backplane.subscribe(to: [.group(group)]) { _ in }
        }
    }

    func leave(_ token: EventToken, group: String) {
        if groups.leave(token, group: group) { server.backplane.unsubscribe(from: [.group(group)]) }
    }

    // MARK: Messages from other threads

    private func receive(_ message: HubLoopMessage) {
        switch message {
        case .deliver(let target, let invocation): deliver(invocation, to: target)
        case .reply(let token, let serial, let outcome):
            registry.member(token)?.replied(outcome, serial: serial)
        case .request(let token, let request): registry.member(token)?.perform(request)
        case .membership(let id, let request):
            if let token = registry.token(ofID: id) { registry.member(token)?.perform(request) }
        case .subscribed(let token, let isReady):
            registry.member(token)?.subscribed(isReady: isReady)
        }
    }

    private func deliver(_ invocation: EncodedInvocation, to target: HubTarget) {
        var delivery = Delivery(invocation: invocation, reactor: reactor)
        defer { delivery.finish() }
        switch target {
        case .all: registry.activeTokens.forEach { delivery.send(to: $0) }
        case .allExcept(let ids):
            let excluded = tokens(ofIDs: ids)
            for token in registry.activeTokens where !excluded.contains(token) {
                delivery.send(to: token)
            }
        case .connection(let id): tokens(ofIDs: [id]).forEach { delivery.send(to: $0) }
        case .connections(let ids): tokens(ofIDs: ids).forEach { delivery.send(to: $0) }
        case .group(let name): groups.forEachMember(of: name) { delivery.send(to: $0) }
        case .groups(let names):
            for name in names { groups.forEachMember(of: name) { delivery.send(to: $0) } }
        case .groupExcept(let name, let ids):
            let excluded = tokens(ofIDs: ids)
            groups.forEachMember(of: name) { if !excluded.contains($0) { delivery.send(to: $0) } }
        case .user(let id): users.forEachConnection(of: id) { delivery.send(to: $0) }
        case .users(let ids):
            for id in ids { users.forEachConnection(of: id) { delivery.send(to: $0) } }
        }
    }

    private func tokens(ofIDs ids: [String]) -> [EventToken] {
        ids.compactMap { id in registry.activeToken(ofID: id) }
    }
}

@available(*, unavailable)
extension HubLoop: Sendable {}
