// AMQPSession: one AMQP 0-9-1 connection, as bytes in, bytes out and events.
//
//   idle ─ start ─▶ awaitingStart ─ Start ─▶ awaitingTune ─ Tune ─▶ awaitingOpen ─ OpenOk ─▶ open
//                        │                      │                      │                     │
//                        └──────────── the broker's Close, or an error ┴─────────────────────┤
//                                                                      ▼                     ▼ close
//                                                                    closed ◀─ CloseOk ─ closing
//
// It knows neither socket nor clock: time comes with the calls. What arrives is read in
// AMQPSession+Receive, what is sent is written in AMQPSession+Send; librabbitmq is the codec of both.
//
// Thread: one loop.  Allocates: per message.  Source: AMQP 0-9-1 §2.2.4, §4.2; RabbitMQ's
// extensions publisher confirms, consumer cancel notifications and connection.blocked.

import CRabbitMQ
import Loop

/// Why the broker closed a channel or the connection.
struct AMQPClose: Equatable, Sendable {
    let code: UInt16
    let text: String
    static let accessRefused: UInt16 = 403
    static let notFound: UInt16 = 404
    static let preconditionFailed: UInt16 = 406
}

/// The end of a session by the peer's doing.
enum AMQPError: Error, Equatable, Sendable {
    /// Not a broker of AMQP 0-9-1, or bytes that are no frame.
    case malformed(String)
    /// The credentials are wrong.
    case refused(String)
    case closed(AMQPClose)
    /// Nothing came for so long.
    case silent(Duration)
}

/// What happened, in the order in which the broker said it.
enum AMQPEvent: Equatable, Sendable {
    case opened
    case channelOpened(UInt16)
    case channelClosed(UInt16, AMQPClose)
    case declared(UInt16, queue: String, messageCount: Int)
    case confirming(UInt16)
    case consuming(UInt16)
    /// The broker ended the consumer: its queue is gone.
    case cancelled(UInt16)
    case delivered(UInt16, AMQPDelivery)
    /// No queue for a message that we published; its confirm follows.
    case returned(UInt16, queue: String, AMQPClose)
    /// `isAccepted` false: the broker could not keep it.
    case confirmed(UInt16, tag: UInt64, isMultiple: Bool, isAccepted: Bool)
    /// The broker takes no messages until `unblocked`.
    case blocked(String)
    case unblocked
    /// Our own close is answered.
    case closed
}

/// One message as it came.
struct AMQPDelivery: Equatable, Sendable {
    var tag: UInt64
    /// As the sender encoded them.
    var properties: [UInt8]
    var headers: [String: String]
    var retryCount: Int
    var body: [UInt8]
    /// More than `body.count` if the message was longer than we keep.
    var bodyByteCount: UInt64

    var isCut: Bool { bodyByteCount > UInt64(body.count) }
}

/// One message as it goes.
struct AMQPMessage: Sendable {
    var queue: String
    /// Encoded, see AMQPProperties.
    var properties: [UInt8]
    var body: [UInt8]
}

final class AMQPSession {
    struct Settings: Sendable {
        var user = "guest"
        var password = "guest"
        var virtualHost = "/"
        /// Shown in the broker's list of connections.
        var name = "contoso"
        var heartbeat: Duration = .seconds(5)
        /// From `start` to `opened`.
        var openTimeout: Duration = .seconds(5)
        /// Bytes; what RabbitMQ proposes. Fits the loop's receive buffer several times.
        var frameByteCountMax = 131_072
        /// Of a received message; the rest of a longer one is dropped (`AMQPDelivery.isCut`).
        var bodyByteCountMax = 16 * 1024 * 1024
        init() {}
    }

    enum Phase { case idle, awaitingStart, awaitingTune, awaitingOpen, open, closing, closed }

    struct Channel {
        enum State { case opening, open, closing }
        var state = State.opening
        var content = AMQPContent.none
    }

    let settings: Settings
    let codec: amqp_connection_state_t
    let arena = AMQPArena()
    var phase = Phase.idle
    var channels: [UInt16: Channel] = [:]
    var output = AMQPOutput()
    private var events: [AMQPEvent] = []

    private(set) var heartbeat: Duration
    private var openDeadline = MonotonicInstant(nanoseconds: 0)
    private var lastReceived = MonotonicInstant(nanoseconds: 0)
    private var lastSent = MonotonicInstant(nanoseconds: 0)

    init(settings: Settings) {
        self.settings = settings
        heartbeat = settings.heartbeat
        guard let codec = amqp_new_connection() else { fatalError("out of memory") }
        self.codec = codec
    }

    deinit { amqp_destroy_connection(codec) }

    var isOpen: Bool { phase == .open }

    /// What has happened since the last call.
    func takeEvents() -> [AMQPEvent] {
        defer { events = [] }
        return events
    }

    func emit(_ event: AMQPEvent) { events.append(event) }

    // MARK: Bytes

    /// The transport is connected.
    func start(at now: MonotonicInstant) {
        precondition(phase == .idle)
        phase = .awaitingStart
        openDeadline = now.advanced(by: settings.openTimeout)
        lastReceived = now
        lastSent = now
        output.protocolHeader()
    }

    /// Takes any portion of the stream. After an error there is nothing to do but send what
    /// `output` holds and close.
    func receive(_ bytes: UnsafeRawBufferPointer, at now: MonotonicInstant) throws(AMQPError) {
        lastReceived = now
        var offset = 0
        while offset < bytes.count, phase != .closed {
            let rest = amqp_bytes_t(
                len: bytes.count - offset,
                bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset))
            var frame = amqp_frame_t()
            let taken = amqp_handle_input(codec, rest, &frame)
            guard taken > 0 else {
                throw .malformed("no AMQP 0-9-1: \(String(cString: amqp_error_string2(taken)))")
            }
            offset += Int(taken)
            if frame.frame_type == 0 { continue }
            try handle(frame)
            // The frame's memory is the channel's pool; without this the pool grows for ever.
            amqp_maybe_release_buffers_on_channel(codec, frame.channel)
        }
    }

    /// Hands bytes to the transport.
    func takeOutput(
        atMost byteCountMax: Int, at now: MonotonicInstant, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        if output.byteCount == 0 { return }
        lastSent = now
        output.take(atMost: byteCountMax, body)
    }

    // MARK: Time

    /// When `timerFired` is to be called next; moves with every byte in or out.
    var deadline: MonotonicInstant {
        guard phase == .open || phase == .closing else { return openDeadline }
        return min(silenceDeadline, lastSent.advanced(by: heartbeat / 2))
    }

    private var silenceDeadline: MonotonicInstant { lastReceived.advanced(by: heartbeat * 2) }

    /// Writes a heartbeat if one is due; throws if the broker has been silent for too long.
    func timerFired(at now: MonotonicInstant) throws(AMQPError) {
        guard phase == .open || phase == .closing else {
            if now >= openDeadline { throw .silent(settings.openTimeout) }
            return
        }
        if now >= silenceDeadline { throw .silent(heartbeat * 2) }
        // Bytes that wait already are as good as a heartbeat once they leave.
        if now >= lastSent.advanced(by: heartbeat / 2), output.byteCount == 0 { output.heartbeat() }
    }

    func tune(_ offer: amqp_connection_tune_t) throws(AMQPError) -> amqp_connection_tune_ok_t {
        // 0 is "no limit of mine" for both.
        let frameMax =
            offer.frame_max == 0
            ? settings.frameByteCountMax : min(settings.frameByteCountMax, Int(offer.frame_max))
        guard frameMax >= AMQPOutput.methodByteCountMax else {
            throw .malformed("the broker offers frames of \(frameMax) bytes; 4096 is the least")
        }
        if offer.heartbeat > 0 { heartbeat = min(heartbeat, .seconds(Int(offer.heartbeat))) }
        output.frameByteCountMax = frameMax
        // The library's own heartbeats are off: it never sees our socket.
        amqp_tune_connection(codec, Int32(offer.channel_max), Int32(frameMax), 0)
        return amqp_connection_tune_ok_t(
            channel_max: offer.channel_max, frame_max: UInt32(frameMax),
            heartbeat: UInt16(max(1, heartbeat.components.seconds)))
    }
}

@available(*, unavailable)
extension AMQPSession: Sendable {}
