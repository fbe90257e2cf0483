// HubConnection: one client of the hub, whatever carries it.
//
//   transport ─▶ received ─▶ MessageFramer ─▶ record ─▶ handshake ─▶ HubStateMachine ─▶ action
//      ▲                          ▲                 └─▶ message ─▶ HubConnection+Calls
//      │                          │
//      └──── HubLink ◀── send   held: what came while nothing could be read
//
// The machine decides, this class does. Whatever cannot be read yet is held, and the socket is paused,
// so that a client cannot fill our memory behind a slow method.
//
// Thread: the connection's loop.  Allocates: once per connection; per call its message and reply.
// Source: SignalR HubProtocol; limits and order of events as .NET 8.

import Loop
import WS

final class HubConnection {
    let connectionID: String
    let userID: String?
    let loop: HubLoop
    /// Its place in the loop's tables: the socket's token, or a session's own. Of nobody before `opened`.
    private(set) var token = EventToken(rawValue: 0)
    var link = HubLink.none
    var machine: HubStateMachine
    var calls: CallTable?
    var framer: MessageFramer
    // Small fields stand together behind one that leaves room: there is one of us per client.
    let transport: HubTransport
    private(set) var hubProtocol = HubProtocol.json
    private var flags: Flags
    /// Of the last call.
    var lastSerial: UInt32 = 0
    /// What it may still send; untouched without `HubOptions.messageRate`.
    private var bucket = TokenBucket()
    /// What came while nothing could be read.
    var held: [UInt8] = []
    /// Our hold on the negotiated token, let go at the end; nil if the negotiation was skipped.
    private var claim: ConnectionClaim?
    private let connectedAtWall: WallTime
    private let request: FirstRequest?
    /// What the socket's timer is armed for.
    private var armedFor = MonotonicInstant.distantFuture
    /// When it is old enough to be closed for its age; `distantFuture`: never.
    private let retiresAt: MonotonicInstant

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let subscribed = Flags(rawValue: 1 << 0)
        /// It counts among those that can be without a socket.
        static let session = Flags(rawValue: 1 << 1)
        /// Its bucket is empty, and it is not read.
        static let throttled = Flags(rawValue: 1 << 2)
    }

    /// A request is large, and most hubs do not want it.
    final class FirstRequest: Sendable {
        let request: Request
        init(_ request: Request) { self.request = request }
    }

    var options: HubOptions { loop.server.options }
    var now: MonotonicInstant { loop.reactor.now }

    /// - Parameters:
    ///   - claim: nil for a client that skipped the negotiation.
    ///   - isSession: as given to `HubLoop.enter`, which has let it in.
    init(
        loop: HubLoop, claim: ConnectionClaim?, user: AuthenticatedUser,
        transport: HubTransport, isSession: Bool = false, request: Request? = nil
    ) {
        self.loop = loop
        flags = isSession ? .session : []
        self.claim = claim
        self.transport = transport
        connectionID = claim?.connectionID ?? loop.server.tokens.makeConnectionID()
        userID = user.userID
        let options = loop.server.options
        connectedAtWall = loop.reactor.time.wallNow
        retiresAt = options.retirement(ofConnectionAt: loop.reactor.now, random: loop.random)
        self.request = options.keepsRequest ? request.map(FirstRequest.init) : nil
        machine = HubStateMachine(
            options: options, now: loop.reactor.now,
            expiry: user.expiresAt.map { loop.instant(of: $0) },
            sendsPings: transport != .longPolling)
        framer = MessageFramer(recordByteCountMax: options.messageByteCountMax)
    }

    deinit { loop.leave(user: userID, asSession: flags.contains(.session)) }

    // MARK: From the transport

    func opened(by socket: HubSocket) {
        guard let token = socket.connection?.token else {
            preconditionFailure("opened without a socket")
        }
        if case .resumable(let resumption) = link {
            resumption.attach(socket)
            // Whoever POSTs for a WebSocket's connection has another loop hold its id.
            if !open(loop.makeSessionToken()) { socket.abort() }
            return
        }
        link = .webSocket(Unmanaged.passUnretained(socket))
        _ = open(token)
    }

    /// - Returns: false if another loop holds the connection's id by now; then nothing was opened.
    func opened(by link: HubLink) -> Bool {
        self.link = link
        return open(loop.makeSessionToken())
    }

    private func open(_ token: EventToken) -> Bool {
        self.token = token
        guard loop.opened(self) else {
            loop.takeBack(sessionToken: token)
            self.token = EventToken(rawValue: 0)
            link = .none
            return false
        }
        rearm()
        return true
    }

    var isOpened: Bool { token.rawValue != 0 }

    /// Of a plain WebSocket whose client inflates.
    var deflateWindow: DeflateWindow? {
        guard case .webSocket(let socket) = link else { return nil }
        return socket._withUnsafeGuaranteedRef { $0.deflateWindow }
    }

    /// Bytes of the client, cut anywhere.
    func received(_ bytes: UnsafeRawBufferPointer) {
        machine.bytesReceived(at: now)
        guard canRead, held.isEmpty else { return hold(bytes) }
        // All that an idle client sends, and so it takes neither framer nor decoder.
        if machine.isActive, framer.isEmpty, hubProtocol.isPing(bytes) {
            meter()
            pinged()
        } else {
            read(bytes)
        }
    }

    /// Counts a message; when the bucket is empty nothing more is read until the next token is there.
    func meter() {
        guard let rate = loop.messageRate, !bucket.charge(rate, at: now),
            flags.insert(.throttled).inserted
        else { return }
        loop.throttle(token, until: bucket.hasTokenAt(rate))
    }

    func unthrottle() {
        flags.remove(.throttled)
        readOn()
    }

    var canRead: Bool {
        machine.canRead && !flags.contains(.throttled) && calls?.stopsReading != true
    }

    /// Bytes that were there before the transport.
    func hold(early bytes: [UInt8]) { held = bytes }

    /// Bytes that the hub has not read.
    var heldByteCount: Int { held.count }

    func timerFired() {
        armedFor = .distantFuture
        run(machine.timerFired(at: now))
        rearm()
    }

    /// For a session: once a second instead of a timer of its own.
    func passSecond() {
        if mayRetire { run(machine.retire()) }
        if now >= machine.deadline { run(machine.timerFired(at: now)) }
        switch link {
        case .none, .webSocket, .events: break
        case .polling(let queue):
            queue.expire(at: now)
            endIfAway(for: queue.idleTime(at: now), isOrderly: true)
        case .resumable(let resumption):
            if let number = resumption.takeAcknowledgement() { send(.ack(sequenceID: number)) }
            endIfAway(for: resumption.brokenAt?.duration(to: now), isOrderly: false)
        }
    }

    private func endIfAway(for time: Duration?, isOrderly: Bool) {
        if let time, time >= options.disconnectTimeout { transportEnded(isOrderly: isOrderly) }
    }

    /// Its turn has come.
    func drain() { run(machine.drain()) }

    /// Something would be lost or cut short if it ended now. Who has not even begun a handshake has
    /// nothing to lose.
    var isBusy: Bool {
        if machine.isAwaitingHandshake { return !framer.isEmpty }
        return !machine.isActive || calls?.isUnderWay == true || !held.isEmpty || !framer.isEmpty
            || link.isBackpressured
    }

    /// A busy one may go on for some time.
    private var mayRetire: Bool {
        guard now >= retiresAt else { return false }
        return !isBusy || now >= retiresAt.advanced(by: options.retirementPatience)
    }

    /// What waited for the client to keep up goes on.
    func caughtUp() { calls?.wake() }

    func socketEnded(_ socket: HubSocket, isOrderly: Bool) {
        guard isOpened else { return }
        guard case .resumable(let resumption) = link else {
            return transportEnded(isOrderly: isOrderly)
        }
        if resumption.isCarried(by: socket) { sessionSocketEnded(isOrderly: isOrderly) }
    }

    /// Nothing comes from the client any more, and nothing reaches it.
    func transportEnded(isOrderly: Bool) {
        run(machine.transportEnded(isOrderly: isOrderly, isInsideRecord: !framer.isEmpty))
        forget()
    }

    // MARK: From the loop's mailbox

    func subscribed() { run(machine.subscribed(at: now)) }

    func decided(_ decision: ConnectDecision) { run(machine.decided(decision)) }

    /// Another pod has sent something, and not in our protocol: as in .NET, a client that cannot be
    /// told everything is told nothing.
    func lacksProtocol() { run(machine.abort()) }

    func deliver(_ invocation: EncodedInvocation) {
        guard machine.canSend else { return }
        guard let record = invocation.record(for: hubProtocol) else { return lacksProtocol() }
        // A queue of the loop looks at the budget by itself.
        if link.waitingByteCount > 0, link.isBackpressured, loop.reactor.isOverBudget {
            return fellBehind()
        }
        loop.countSuperseded(
            link.push(
                Array(record), as: hubProtocol.transferFormat, invocation.expendability))
        boundWaiting()
    }

    func perform(_ request: HubCaller.Request) {
        guard machine.canSend else { return request.abandon() }
        switch request {
        case .send(let invocation, let taken):
            deliver(invocation.classified(by: options))
            waitForRoom(taken)
        case .join(let group, let done): loop.join(token, group: group, done: done)
        case .leave(let group, let done):
            loop.leave(token, group: group)
            done()
        case .abort: run(machine.abort())
        case .whenEnded(let handler): callTable().whenEnded(handler)
        }
    }

    // MARK: Sending

    func send(_ message: HubMessage) {
        do throws(HubValueError) {
            send(try hubProtocol.encode(message), isTracked: message.isTracked)
        } catch {
            // As in .NET, a client that cannot be told everything is told nothing.
            run(machine.failedToSend(error))
        }
    }

    /// - Parameter record: whole messages with their framing.
    func send(_ record: [UInt8], isTracked: Bool) {
        link.send(record, as: hubProtocol.transferFormat, isTracked: isTracked)
        boundWaiting()
    }

    /// What a client has to fetch or to acknowledge; a socket's queue has a bound of its own.
    private func boundWaiting() {
        guard link.waitingByteCount > options.waitingByteCountMax, machine.isOpen else { return }
        loop.count(.waitingBytes)
        if case .polling(let queue) = link, options.slowClient == .dropOldest {
            loop.countDropped(queue.dropPushes(downTo: options.waitingByteCountMax))
            if queue.byteCount <= options.waitingByteCountMax { return }
        }
        fellBehind()
    }

    // MARK: A client that does not read

    /// The socket's queue has overflowed.
    func fellBehind(on socket: HubSocket) {
        // Whoever may come back on another socket is owed what was sent, in its order.
        if isResumable { return socket.abort() }
        fellBehind()
    }

    /// Ends it with a Close message that allows to reconnect, in place of the pushes that wait.
    func fellBehind() {
        if case .polling(let queue) = link { _ = queue.dropPushes(downTo: 0) }
        run(machine.fellBehind())
    }

    /// The loop has cut the connection that carries us because it did not read.
    func wasCut() {
        if case .resumable = link { return }
        run(machine.cutAsSlow())
        forget()
    }

    // MARK: Doing what the machine says

    func run(_ action: HubStateMachine.Action) {
        switch action {
        case .nothing: break
        case .subscribe(let chosen):
            hubProtocol = chosen
            framer.agreed(on: chosen)
            flags.insert(.subscribed)
            if loop.subscribe(to: scopes, for: token) { subscribed() }
        case .refuseHandshake(let error):
            let withDetails = options.enableDetailedErrors
            send(HandshakeResponse.refused(error, withDetails: withDetails), isTracked: false)
            leaveTables(by: .handshakeFailed)
            finish()
        case .connect: connect()
        case .read: readOn()
        case .sendPing:
            // Once per interval is often enough, and costs no timer.
            if mayRetire { return run(machine.retire()) }
            // A client that does not read needs no proof that we live.
            if link.isBackpressured { break }
            if case .webSocket(let socket) = link, hubProtocol == .json {
                socket._withUnsafeGuaranteedRef { $0.send(frame: loop.pingFrame) }
            } else {
                send(.ping)
            }
        case .close(let end, let tellsHub):
            leaveTables(by: end)
            let message = end.closeMessage(withDetails: options.enableDetailedErrors)
            if let message { send(.close(message)) }
            finish()
            if tellsHub { tellHub(end) }
        case .finish(let end, let tellsHub):
            leaveTables(by: end)
            if tellsHub { tellHub(end) }
        }
    }

    private var scopes: [BackplaneScope] {
        [.connection(connectionID)] + (userID.map { [.user($0)] } ?? [])
    }

    private func connect() {
        send(HandshakeResponse.accepted, isTracked: false)
        loop.activated(self)
        let (mailbox, token) = (loop.mailbox, token)
        let reply = ConnectReply { mailbox.post(.decided(token, $0)) }
        loop.server.methods.onConnected(makeCaller(), reply)
        if let decision = reply.hubReturned() {
            decided(decision)
        } else {
            loop.awaitsDecision(token)
        }
    }

    /// Once, and before our last message: nothing may come behind that.
    private func leaveTables(by end: HubEnd) {
        loop.ended(self, by: end)
        held = []
        calls?.endAll(connectionID: connectionID)
        calls = nil
        link.posts?.refuseAll()
        if flags.remove(.subscribed) != nil { loop.unsubscribe(from: scopes) }
    }

    private func tellHub(_ end: HubEnd) { loop.server.methods.onDisconnected(makeCaller(), end) }

    private func finish() {
        link.finish()
        switch link {
        case .webSocket: break
        // The loop sends what is left of it, and closes.
        case .events: forget()
        case .resumable(let resumption): if resumption.socket == nil { forget() }
        case .polling(let queue): if queue.isDrained { forget() }
        case .none: break
        }
    }

    /// The transport is gone, or has nothing more to carry.
    func forget() {
        if case .none = link { return }
        link = .none
        claim = nil
        loop.forgot(self)
    }

    /// What methods see of this connection; made for each use, as an idle connection needs none.
    func makeCaller() -> HubCaller {
        HubCaller(
            connectionID: connectionID, userID: userID, connectedAtWall: connectedAtWall,
            request: request?.request, hubProtocol: hubProtocol, server: loop.server,
            perform: loop.makeRequester(for: token))
    }

    func rearm() {
        guard case .webSocket(let socket) = link else { return }
        let deadline = machine.deadline
        // What no longer has a deadline keeps its timer, which then finds nothing to do.
        guard machine.isOpen, deadline != armedFor, deadline != .distantFuture else { return }
        armedFor = deadline
        socket._withUnsafeGuaranteedRef { $0.armTimer(at: deadline) }
    }
}
