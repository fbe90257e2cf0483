// WSConnection: one WebSocket after its opening handshake.
//
//   received bytes ─▶ MessageAssembler ─▶ message ──▶ received(_:as:)      the layer above,
//                          │                                               a subclass
//                          ├─ ping ─▶ pong
//                          └─ Close, violation ─▶ WSStateMachine ─▶ Close, end ─▶ closed(_:)
//
// The layer above is a subclass and not a delegate: an idle connection is one object, and there is no
// cycle to break. It overrides the methods under "What a subclass may override" and nothing else.
//
// Thread: the connection's loop.  Allocates: once per connection; then only for messages that arrive
// in pieces.  Source: RFC 6455.

import Loop

open class WSConnection: ConnectionHandler {
    /// The connection below, for its token, its reactor and its queue; nil before `opened`. Bytes
    /// sent through it directly would break the framing.
    public private(set) var connection: Connection?
    private var assembler: MessageAssembler
    private let frameCountPerTick: UInt32
    private let closeTimeout: ShortDuration
    /// Of a client that inflates; nil if messages may not be compressed.
    public final let deflateWindow: DeflateWindow?
    private var machine = WSStateMachine()
    private var isReadingPaused = false
    /// Bytes have come since `takeHeard` was called.
    private var hasHeard = false

    /// - Parameter deflate: what the opening handshake has agreed on; nil sends nothing compressed,
    ///   and takes it for a violation.
    public init(limits: WSLimits = WSLimits(), deflate: DeflateAgreement? = nil) {
        limits.validate()
        frameCountPerTick = UInt32(clamping: limits.frameCountPerTick)
        closeTimeout = ShortDuration(limits.closeTimeout)
        deflateWindow = deflate?.window
        assembler = MessageAssembler(
            messageByteCountMax: limits.messageByteCountMax, deflate: deflate?.deflate)
    }

    // MARK: What a subclass may override

    /// The handshake is done; messages may be sent.
    open func opened() {}

    /// A whole message has arrived. The memory may be written to and is valid during the call only.
    open func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {}

    /// What was queued has fallen to the low-water mark after it had risen above the high one.
    open func becameWritable() {}

    /// More waits to be sent than the rule that the connection obeys allows. What could be left out is;
    /// the subclass says its last words and closes. The default cuts. Not called once a close has begun.
    open func overflowed() { connection?.abort(.slowConsumer) }

    /// The timer armed with `armTimer` is due. Not called once a close has begun.
    open func timerFired() {}

    /// The server is shutting down.
    open func drain() { close(.goingAway) }

    /// The WebSocket has ended; the last call, exactly once after `opened`. TCP may still flush.
    open func closed(_ ending: WSEnding) {}

    // MARK: What the layer above may do

    /// True until a Close frame was sent or received, or the connection was lost.
    public var isOpen: Bool { machine.state == .open }

    /// Queues a message, copied. Nothing happens once a close has begun.
    public func send(_ payload: UnsafeRawBufferPointer, as kind: MessageKind) {
        guard isOpen else { return }
        if let deflateWindow, sendCompressed(payload, kind, deflateWindow) { return }
        sendFrame(kind.opcode, payload)
    }

    public func send(_ payload: [UInt8], as kind: MessageKind) {
        payload.withUnsafeBytes { send($0, as: kind) }
    }

    /// Queues a frame made with `FrameWriter.makeFrame`; the queue retains it until it is sent.
    public func send(frame: SharedBytes) {
        if isOpen { connection?.send(frame) }
    }

    /// Begins the closing handshake; messages that arrive from now on are dropped. `closed` follows
    /// with the peer's answer, or after `WSLimits.closeTimeout`.
    ///
    /// - Parameters:
    ///   - code: one that is allowed on the wire.
    ///   - reason: for people; cut to 123 bytes of UTF-8.
    public func close(_ code: CloseCode, reason: String = "") {
        perform(machine.close(code), reason: reason)
    }

    /// Queues an empty ping; what answers it is heard by `takeHeard`.
    public func ping() {
        if isOpen { sendFrame(.ping, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    /// Whether any byte has come since the last call, or since the opening: also of an unfinished
    /// message, and of control frames that nobody else hears of.
    public func takeHeard() -> Bool {
        defer { hasHeard = false }
        return hasHeard
    }

    /// Cuts the connection with a TCP reset and no Close frame.
    public func abort() { connection?.abort() }

    /// After the message at work no further one is delivered, and no control frame is read, until
    /// `resumeReading`.
    public func pauseReading() {
        guard isOpen else { return }
        isReadingPaused = true
        connection?.pauseReading()
    }

    public func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        connection?.resumeReading()
    }

    /// Arms the connection's timer, replacing an earlier deadline. A close takes the timer over.
    public func armTimer(after delay: Duration) {
        if isOpen { connection?.armTimer(after: delay) }
    }

    /// The same for a known deadline.
    public func armTimer(at deadline: MonotonicInstant) {
        if isOpen { connection?.armTimer(at: deadline) }
    }

    public func disarmTimer() {
        if isOpen { connection?.disarmTimer() }
    }

    // MARK: From the loop

    public final override func opened(_ connection: Connection) {
        precondition(self.connection == nil, "a connection is opened once")
        self.connection = connection
        opened()
    }

    public final override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        var offset = 0
        var frameCount: UInt32 = 0
        var inflatedByteCount = 0
        hasHeard = true
        while machine.state != .closed, !isReadingPaused {
            guard frameCount < frameCountPerTick else {
                connection.continueLater()
                return offset
            }
            frameCount += 1
            switch assembler.next(in: bytes, at: &offset) {
            case .message(let message, let kind):
                if let deflate = assembler.deflate {
                    inflatedByteCount += message.count
                    let isTurnOver = inflatedByteCount >= deflate.options.inflatedByteCountPerTick
                    if isTurnOver { frameCount = frameCountPerTick }
                }
                if isOpen { received(message, as: kind) }
                assembler.messageDelivered()
            case .ping(let payload): answerPing(payload, connection)
            case .pong: break
            case .close(let code): perform(machine.receivedClose(code))
            case .violation(let violation): perform(machine.received(violation))
            case .incomplete: return offset
            }
        }
        // After a Close frame nothing that follows is looked at.
        return machine.state == .closed ? bytes.count : offset
    }

    public final override func becameWritable(_ connection: Connection) {
        if isOpen { becameWritable() }
    }

    public final override func overflowed(_ connection: Connection) {
        if isOpen { overflowed() } else { connection.abort(.slowConsumer) }
    }

    public final override func timerFired(_ connection: Connection) {
        if isOpen { timerFired() } else { perform(machine.closeTimedOut()) }
    }

    public final override func drain(_ connection: Connection) {
        if isOpen { drain() }
    }

    public final override func peerClosed(_ connection: Connection) {
        perform(machine.peerClosed())
    }

    public final override func closed(_ connection: Connection, reason: CloseReason) {
        perform(machine.connectionEnded(reason))
    }

    // MARK: Doing it

    /// While output is stuck the pong goes before what waits, so that a slow peer knows that we live. One
    /// that sends pings and reads nothing gets no growing queue of them: the latest takes the place of
    /// the one before (RFC 6455 §5.5.3).
    private func answerPing(_ payload: UnsafeRawBufferPointer, _ connection: Connection) {
        guard isOpen else { return }
        if connection.isBackpressured {
            connection.send(control: FrameWriter.makeFrame(.pong, payload))
        } else {
            sendFrame(.pong, payload)
        }
    }

    private func sendFrame(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool = false
    ) {
        guard let connection else { return }
        FrameWriter(opcode, payloadByteCount: payload.count, isCompressed: isCompressed)
            .withHeader { connection.send($0, payload) }
    }

    /// - Returns: false if the message is to be sent as it is.
    @inline(never)
    private func sendCompressed(
        _ payload: UnsafeRawBufferPointer, _ kind: MessageKind, _ window: DeflateWindow
    ) -> Bool {
        let sent: Void? = assembler.deflate?.withCompressed(payload, for: window) { compressed in
            sendFrame(kind.opcode, compressed, isCompressed: true)
        }
        return sent != nil
    }

    private func sendClose(_ code: CloseCode, reason: String) {
        code.payload(reason: reason).withUnsafeBytes { sendFrame(.close, $0) }
    }

    private func perform(_ action: WSStateMachine.Action, reason: String = "") {
        switch action {
        case .nothing: break
        case .sendCloseAndWait(let code):
            sendClose(code, reason: reason)
            resumeReading()
            connection?.armTimer(after: closeTimeout.duration)
        case .sendCloseAndFinish(let code, let ending):
            sendClose(code, reason: reason)
            finish(ending)
        case .finish(let ending): finish(ending)
        case .cut(let ending):
            connection?.abort()
            closed(ending)
        case .report(let ending): closed(ending)
        }
    }

    /// Lingering: a peer that is still sending gets our Close frame instead of a reset.
    private func finish(_ ending: WSEnding) {
        connection?.disarmTimer()
        connection?.closeAfterFlush(lingering: true)
        closed(ending)
    }
}
