// HubConnection: one client of the hub, on top of its WebSocket.
//
//   WebSocket message ─▶ MessageFramer ─▶ record ─▶ handshake ─▶ HubStateMachine ─▶ action
//                            ▲                  └─▶ call ─▶ method ─▶ reply ─▶ completion
//                            │
//                          held: what came while a call was running; one call at a time
//
// The machine decides, this class does. Whatever the machine does not want read is held, and the
// socket is paused, so that a client cannot fill our memory behind a slow method.
//
// Thread: the connection's loop.  Allocates: once per connection; per call its message and reply.
// Source: SignalR HubProtocol; limits and order of events as .NET 8.

import Loop
import WS

final class HubConnection: WSConnection {
    /// The call that is running. An object, because most connections have none most of the time.
    private final class PendingCall {
        let serial: UInt64
        /// Nil: the caller wants no answer.
        let invocationID: String?
        let target: String

        init(serial: UInt64, _ invocation: Invocation) {
            self.serial = serial
            invocationID = invocation.invocationID
            target = invocation.target
        }
    }

    let connectionID: String
    let userID: String?
    private let loop: HubLoop
    /// Our hold on the negotiated token, let go at the end; nil if the negotiation was skipped.
    private var claim: ConnectionClaim?
    private var machine: HubStateMachine
    private var framer: MessageFramer
    private var hubProtocol = HubProtocol.json
    private var held: [UInt8] = []
    private var pending: PendingCall?
    private var callCount: UInt64 = 0
    private let connectedAt: MonotonicInstant
    private let connectedAtWall: WallTime
    private var isSubscribed = false
    /// Told of our end before the hub is.
    private var endHandlers: [@Sendable () -> Void] = []
    /// What the timer is armed for.
    private var armedFor = MonotonicInstant.distantFuture
    /// Our turn in a shutdown.
    private var drainAt = MonotonicInstant.distantFuture

    private var options: HubOptions { loop.server.options }
    private var now: MonotonicInstant { loop.reactor.now }

    /// - Parameter claim: nil for a client that skipped the negotiation.
    init(loop: HubLoop, claim: ConnectionClaim?, user: AuthenticatedUser?) {
        self.loop = loop
        self.claim = claim
        connectionID = claim?.connectionID ?? loop.server.tokens.makeConnectionID()
        userID = user?.userID
        let options = loop.server.options
        let now = loop.reactor.now
        let wallNow = loop.reactor.time.wallNow
        connectedAt = now
        connectedAtWall = wallNow
        let expiry = user?.expiresAt.map { expiresAt in
            now.advanced(by: .microseconds(expiresAt.microseconds - wallNow.microseconds))
        }
        machine = HubStateMachine(options: options, now: now, expiry: expiry)
        framer = MessageFramer(recordByteCountMax: options.messageByteCountMax)
        super.init(limits: options.webSocket)
    }

    // MARK: From the WebSocket

    override func opened() {
        guard let token = connection?.token else { preconditionFailure("opened without a socket") }
        loop.opened(self, token)
        rearm()
    }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        machine.bytesReceived(at: now)
        let bytes = UnsafeRawBufferPointer(message)
        guard machine.canRead && held.isEmpty else { return hold(bytes) }
        // All that an idle client sends, and so it takes neither framer nor decoder.
        if machine.isActive && framer.isEmpty && hubProtocol.isPing(bytes) {
            pinged()
        } else {
            read(bytes)
        }
    }

    override func timerFired() {
        armedFor = .distantFuture
        if now >= drainAt { return run(machine.drain()) }
        run(machine.timerFired(at: now))
        rearm()
    }

    /// All connections of a loop are told in the same tick; each takes a turn of its own.
    override func drain() {
        let turn = UInt64(connection?.token.index ?? 0) % 64
        let delay = options.drainSpread * Int(turn) / 64
        if delay == .zero { return run(machine.drain()) }
        drainAt = now.advanced(by: delay)
        rearm()
    }

    override func closed(_ ending: WSEnding) {
        var isOrderly = false
        if case .closedByPeer = ending { isOrderly = true }
        run(machine.transportEnded(isOrderly: isOrderly, isInsideRecord: !framer.isEmpty))
    }

    // MARK: From the loop's mailbox

    func subscribed() {
        run(machine.subscribed(at: now))
        readHeld()
        rearm()
    }

    /// A method has answered after it had returned.
    func replied(_ outcome: HubOutcome, serial: UInt64) {
        guard let pending, pending.serial == serial else { return }
        complete(pending, outcome)
        readHeld()
        rearm()
    }

    /// Another pod has sent something, and not in our protocol: as in .NET, a client that cannot be
    /// told everything is told nothing.
    func lacksProtocol() { run(machine.abort()) }

    func perform(_ request: HubCaller.Request) {
        guard let token = connection?.token, machine.isActive else { return request.abandon() }
        switch request {
        case .send(let invocation):
            if let frame = invocation.frame(for: hubProtocol) { connection?.send(frame) }
        case .join(let group, let done): loop.join(token, group: group, done: done)
        case .leave(let group, let done):
            loop.leave(token, group: group)
            done()
        case .abort: run(machine.abort())
        case .whenEnded(let handler): endHandlers.append(handler)
        }
    }

    // MARK: Reading

    private func read(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while machine.canRead {
            let isRead =
                machine.isAwaitingHandshake
                ? readHandshake(bytes, &offset) : readMessage(bytes, &offset)
            if !isRead { return }
        }
        if machine.isOpen && offset < bytes.count {
            hold(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        }
    }

    /// False when nothing more is to be read.
    private func readHandshake(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        let (supported, formats) = (options.protocols, HubTransport.webSockets.formats)
        let outcome = framer.next(in: bytes, from: &offset) { record in
            Result { () throws(HandshakeError) in
                try HandshakeRequest.parse(record).resolve(supported: supported, formats: formats)
            }
        }
        switch outcome {
        case .record(let result):
            run(machine.handshakeReceived(result))
            return true
        case .incomplete: break
        case .tooLong: run(machine.violated(tooLong))
        }
        return false
    }

    /// False when nothing more is to be read.
    private func readMessage(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        let hubProtocol = hubProtocol
        let outcome = framer.next(in: bytes, from: &offset) { record in
            Result { () throws(HubProtocolError) in try hubProtocol.decode(record) }
        }
        switch outcome {
        case .record(.success(let message)):
            message.map(dispatch)
            return true
        case .incomplete: break
        case .record(.failure(let error)): run(machine.violated(error))
        case .tooLong: run(machine.violated(tooLong))
        }
        return false
    }

    private var tooLong: HubProtocolError {
        .recordTooLong(byteCountMax: options.messageByteCountMax ?? 0)
    }

    /// Keeps at most what is left of one WebSocket message and the one behind it.
    private func hold(_ bytes: UnsafeRawBufferPointer) {
        guard machine.isOpen else { return }
        held.append(contentsOf: bytes)
        pauseReading()
    }

    private func readHeld() {
        guard machine.canRead, !held.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &held)
        bytes.withUnsafeBytes { read($0) }
        if held.isEmpty { resumeReading() }
    }

    // MARK: Messages

    private func dispatch(_ message: HubMessage) {
        switch message {
        case .invocation(let invocation): call(invocation, wantsStream: false)
        case .streamInvocation(let invocation): call(invocation, wantsStream: true)
        case .ping: pinged()
        case .close(let close): run(machine.closeReceived(error: close.error))
        // Nothing of ours is streamed, asked of a client or numbered, so these name nothing we know;
        // the protocol has them ignored.
        case .streamItem, .completion, .cancelInvocation, .ack, .sequence: break
        }
    }

    private func pinged() {
        run(machine.pingReceived(at: now))
        rearm()
    }

    private func call(_ invocation: Invocation, wantsStream: Bool) {
        guard let token = connection?.token else { return }
        let dispatcher = loop.server.dispatcher
        let method: HubMethod
        switch dispatcher.decide(invocation, wantsStream: wantsStream) {
        case .refuse(let text): return sendError(text, invocation.invocationID)
        case .call(let found): method = found
        }

        machine.invocationBegan()
        callCount += 1
        let call = PendingCall(serial: callCount, invocation)
        pending = call
        let mailbox = loop.mailbox
        let reply = HubReply { [serial = call.serial] in
            mailbox.post(.reply(token, serial: serial, $0))
        }
        do throws(BindingFailure) {
            try method.body(
                HubCall(
                    caller: caller(token), target: invocation.target,
                    arguments: HubArguments(invocation.arguments), reply: reply))
        } catch {
            reply.discard()
            finish()
            return sendError(
                dispatcher.text(for: error, target: invocation.target), invocation.invocationID)
        }
        if let outcome = reply.methodReturned() { complete(call, outcome) }
    }

    private func complete(_ call: PendingCall, _ outcome: HubOutcome) {
        finish()
        guard let id = call.invocationID else { return }
        send(
            .completion(
                loop.server.dispatcher.completion(id: id, target: call.target, outcome: outcome)))
    }

    private func finish() {
        pending = nil
        machine.invocationEnded(at: now)
    }

    private func sendError(_ text: String, _ invocationID: String?) {
        guard let invocationID else { return }
        send(.completion(Completion(invocationID: invocationID, outcome: .error(text))))
    }

    private func send(_ message: HubMessage) { send(hubProtocol.encode(message), as: .text) }

    // MARK: Doing what the machine says

    private func run(_ action: HubStateMachine.Action) {
        switch action {
        case .nothing: break
        case .acceptHandshake(let chosen):
            hubProtocol = chosen
            send(HandshakeResponse.accepted, as: .text)
            subscribe()
        case .refuseHandshake(let error):
            let withDetails = options.enableDetailedErrors
            send(HandshakeResponse.refused(error, withDetails: withDetails), as: .text)
            leaveTables(by: .handshakeFailed)
            close(.normal)
        case .connect: connect()
        case .sendPing:
            // A client that does not read needs no proof that we live.
            if connection?.isBackpressured != true { send(frame: loop.pingFrame) }
        case .close(let end, let tellsHub):
            leaveTables(by: end)
            let message = end.closeMessage(withDetails: options.enableDetailedErrors)
            if let message { send(.close(message)) }
            close(.normal)
            if tellsHub { tellHub(end) }
        case .finish(let end, let tellsHub):
            leaveTables(by: end)
            if tellsHub { tellHub(end) }
        }
    }

    private var scopes: [BackplaneScope] {
        [.connection(connectionID)] + (userID.map { [.user($0)] } ?? [])
    }

    private func subscribe() {
        guard let token = connection?.token else { return }
        isSubscribed = true
        loop.subscribe(to: scopes, for: token)
    }

    private func connect() {
        guard let token = connection?.token else { return }
        loop.activated(self, token)
        let reply = ConnectReply { _ in }
        loop.server.methods.onConnected(caller(token), reply)
        switch reply.hubReturned() ?? .fail {
        case .accept: break
        case .abort: run(machine.connectRefused(.aborted))
        case .fail, .failed: run(machine.connectRefused(.connectFailed))
        }
    }

    /// Once, and before our last message: nothing may come behind that.
    private func leaveTables(by end: HubEnd) {
        guard let token = connection?.token else { return }
        loop.ended(self, token, by: end)
        claim = nil
        held = []
        pending = nil
        if isSubscribed { loop.unsubscribe(from: scopes) }
        isSubscribed = false
        for handler in endHandlers { handler() }
        endHandlers = []
    }

    private func tellHub(_ end: HubEnd) {
        guard let token = connection?.token else { return }
        loop.server.methods.onDisconnected(caller(token), end)
    }

    /// What methods see of this connection; made for each use, as an idle connection needs none.
    private func caller(_ token: EventToken) -> HubCaller {
        HubCaller(
            connectionID: connectionID, userID: userID, connectedAt: connectedAt,
            connectedAtWall: connectedAtWall, server: loop.server,
            perform: loop.makeRequester(for: token))
    }

    private func rearm() {
        let deadline = min(machine.deadline, drainAt)
        // What no longer has a deadline keeps its timer, which then finds nothing to do.
        guard machine.isOpen, deadline != armedFor, deadline != .distantFuture else { return }
        armedFor = deadline
        armTimer(at: deadline)
    }
}
