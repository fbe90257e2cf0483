// ScriptedBroker: the other end of an AMQPSession, written and read by the test.

import CRabbitMQ
import Loop
import TestSupport

@testable import Services

/// Writes a broker's frames and reads the client's.
final class ScriptedBroker {
    var frames = AMQPOutput()
    private var codec = amqp_new_connection()!
    private let arena = AMQPArena()

    deinit { amqp_destroy_connection(codec) }

    /// The next bytes to read begin with a protocol header.
    func expectNewClient() {
        amqp_destroy_connection(codec)
        codec = amqp_new_connection()!
    }

    /// What has been scripted since the last call.
    func take() -> [UInt8] {
        var bytes: [UInt8] = []
        frames.take(atMost: .max) { bytes += $0 }
        return bytes
    }

    // MARK: Script

    func start(mechanisms: String = "AMQPLAIN PLAIN", minor: UInt8 = 9) {
        var start = amqp_connection_start_t()
        start.version_minor = minor
        start.server_properties = arena.table([("product", .text("scripted"))])
        start.mechanisms = arena.bytes(mechanisms)
        start.locales = arena.bytes("en_US")
        frames.method(AMQP_CONNECTION_START_METHOD, on: 0, start)
    }

    func tune(frameMax: UInt32 = 131_072, heartbeat: UInt16 = 60) {
        frames.method(
            AMQP_CONNECTION_TUNE_METHOD, on: 0,
            amqp_connection_tune_t(channel_max: 2047, frame_max: frameMax, heartbeat: heartbeat))
        if frameMax >= 4096 { frames.frameByteCountMax = Int(frameMax) }
    }

    func openOk() {
        frames.method(AMQP_CONNECTION_OPEN_OK_METHOD, on: 0, amqp_connection_open_ok_t())
    }

    func close(_ code: UInt16, _ text: String) {
        var close = amqp_connection_close_t()
        close.reply_code = code
        close.reply_text = arena.bytes(text)
        frames.method(AMQP_CONNECTION_CLOSE_METHOD, on: 0, close)
    }

    func closeOk() {
        frames.method(AMQP_CONNECTION_CLOSE_OK_METHOD, on: 0, amqp_connection_close_ok_t())
    }

    func blocked(_ reason: String) {
        frames.method(
            AMQP_CONNECTION_BLOCKED_METHOD, on: 0,
            amqp_connection_blocked_t(reason: arena.bytes(reason)))
    }

    func unblocked() {
        frames.method(AMQP_CONNECTION_UNBLOCKED_METHOD, on: 0, amqp_connection_unblocked_t())
    }

    func channelOpenOk(_ channel: UInt16) {
        frames.method(AMQP_CHANNEL_OPEN_OK_METHOD, on: channel, amqp_channel_open_ok_t())
    }

    func channelClose(_ channel: UInt16, _ code: UInt16, _ text: String) {
        var close = amqp_channel_close_t()
        close.reply_code = code
        close.reply_text = arena.bytes(text)
        frames.method(AMQP_CHANNEL_CLOSE_METHOD, on: channel, close)
    }

    func channelCloseOk(_ channel: UInt16) {
        frames.method(AMQP_CHANNEL_CLOSE_OK_METHOD, on: channel, amqp_channel_close_ok_t())
    }

    func declareOk(_ channel: UInt16, _ queue: String, messages: UInt32) {
        var ok = amqp_queue_declare_ok_t()
        ok.queue = arena.bytes(queue)
        ok.message_count = messages
        frames.method(AMQP_QUEUE_DECLARE_OK_METHOD, on: channel, ok)
    }

    func confirmSelectOk(_ channel: UInt16) {
        frames.method(AMQP_CONFIRM_SELECT_OK_METHOD, on: channel, amqp_confirm_select_ok_t())
    }

    func consumeOk(_ channel: UInt16) {
        frames.method(AMQP_BASIC_QOS_OK_METHOD, on: channel, amqp_basic_qos_ok_t())
        frames.method(AMQP_BASIC_CONSUME_OK_METHOD, on: channel, amqp_basic_consume_ok_t())
    }

    func cancel(_ channel: UInt16) {
        frames.method(AMQP_BASIC_CANCEL_METHOD, on: channel, amqp_basic_cancel_t())
    }

    func ack(_ channel: UInt16, _ tag: UInt64, isMultiple: Bool) {
        frames.method(
            AMQP_BASIC_ACK_METHOD, on: channel,
            amqp_basic_ack_t(delivery_tag: tag, multiple: isMultiple ? 1 : 0))
    }

    func nack(_ channel: UInt16, _ tag: UInt64) {
        frames.method(
            AMQP_BASIC_NACK_METHOD, on: channel,
            amqp_basic_nack_t(delivery_tag: tag, multiple: 0, requeue: 0))
    }

    func deliver(_ channel: UInt16, _ tag: UInt64, properties: [UInt8], body: [UInt8]) {
        var deliver = amqp_basic_deliver_t()
        deliver.delivery_tag = tag
        deliver.routing_key = arena.bytes("q")
        frames.method(AMQP_BASIC_DELIVER_METHOD, on: channel, deliver)
        frames.content(properties, body, on: channel)
    }

    func returned(_ channel: UInt16, _ queue: String, body: [UInt8]) {
        var returned = amqp_basic_return_t()
        returned.reply_code = 312
        returned.reply_text = arena.bytes("NO_ROUTE")
        returned.routing_key = arena.bytes(queue)
        frames.method(AMQP_BASIC_RETURN_METHOD, on: channel, returned)
        frames.content(AMQPProperties.encode([:], arena: arena)!, body, on: channel)
    }

    // MARK: What the client wrote

    /// The client's frames by name: `channel.open 1`, `header 2`, `body 2 4088`, `heartbeat`.
    func read(_ session: AMQPSession, at now: MonotonicInstant) -> [String] {
        var bytes: [UInt8] = []
        session.takeOutput(atMost: .max, at: now) { bytes += $0 }
        return names(of: bytes)
    }

    /// The frames that are complete with these bytes.
    func names(of bytes: [UInt8]) -> [String] {
        var bytes = bytes
        var names: [String] = []
        bytes.withUnsafeMutableBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                var frame = amqp_frame_t()
                let taken = amqp_handle_input(
                    codec,
                    amqp_bytes_t(len: buffer.count - offset, bytes: buffer.baseAddress! + offset),
                    &frame)
                precondition(taken > 0, "the client wrote no frame")
                offset += Int(taken)
                if frame.frame_type != 0 { names.append(name(of: frame)) }
                amqp_maybe_release_buffers(codec)
            }
        }
        return names
    }

    func allowFrames(of byteCount: Int32) { amqp_tune_connection(codec, 0, byteCount, 0) }

    private func name(of frame: amqp_frame_t) -> String {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            let name = String(cString: amqp_method_name(frame.payload.method.id))
            // AMQP_CHANNEL_OPEN_METHOD
            var words = name.lowercased().split(separator: "_").dropFirst().dropLast()
            let group = words.removeFirst()
            return "\(group).\(words.joined(separator: "-")) \(frame.channel)"
        case AMQP_FRAME_HEADER: return "header \(frame.channel)"
        case AMQP_FRAME_BODY:
            return "body \(frame.channel) \(frame.payload.body_fragment.len)"
        case AMQP_FRAME_HEARTBEAT: return "heartbeat"
        default: return "protocol header"
        }
    }
}
