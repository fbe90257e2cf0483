// AMQPSession+Send: what we ask of the broker.
//
// Requests on a channel may follow each other without waiting: the broker answers in order.
//
// Thread: one loop.  Allocates: when the output grows.
// Source: AMQP 0-9-1 §1 (classes and methods); RabbitMQ "Publisher confirms".

import CRabbitMQ

extension AMQPSession {
    // MARK: Connection

    func startOk() {
        defer { arena.recycle() }
        let capabilities = [
            "publisher_confirms", "consumer_cancel_notify", "connection.blocked",
            // Without it the broker answers a wrong password by closing the socket.
            "authentication_failure_close", "basic.nack",
        ]
        var answer = amqp_connection_start_ok_t()
        answer.client_properties = arena.table([
            ("product", .text("Contoso Orders")), ("platform", .text("Swift")),
            ("connection_name", .text(settings.name)), ("capabilities", .flags(capabilities)),
        ])
        answer.mechanism = arena.bytes("PLAIN")
        answer.response = arena.bytes(
            [0] + Array(settings.user.utf8) + [0] + Array(settings.password.utf8))
        answer.locale = arena.bytes("en_US")
        output.method(AMQP_CONNECTION_START_OK_METHOD, on: 0, answer)
    }

    func open() {
        defer { arena.recycle() }
        var request = amqp_connection_open_t()
        request.virtual_host = arena.bytes(settings.virtualHost)
        output.method(AMQP_CONNECTION_OPEN_METHOD, on: 0, request)
    }

    /// Says goodbye; the event `closed` follows. Unacked messages go back to their queues.
    func close() {
        guard phase == .open else { return }
        defer { arena.recycle() }
        var request = amqp_connection_close_t()
        request.reply_code = UInt16(AMQP_REPLY_SUCCESS)
        request.reply_text = arena.bytes("goodbye")
        output.method(AMQP_CONNECTION_CLOSE_METHOD, on: 0, request)
        phase = .closing
    }

    // MARK: Channels

    /// - Parameter number: free, 1 or more.
    func openChannel(_ number: UInt16) {
        precondition(isOpen && channels[number] == nil)
        channels[number] = Channel()
        output.method(AMQP_CHANNEL_OPEN_METHOD, on: number, amqp_channel_open_t())
    }

    /// What is unacked goes back to its queue. The number is free again once the broker has
    /// answered.
    func closeChannel(_ number: UInt16) {
        guard isOpen, let channel = channels[number], channel.state != .closing else { return }
        defer { arena.recycle() }
        channels[number]?.state = .closing
        var request = amqp_channel_close_t()
        request.reply_code = UInt16(AMQP_REPLY_SUCCESS)
        request.reply_text = arena.bytes("done")
        output.method(AMQP_CHANNEL_CLOSE_METHOD, on: number, request)
    }

    func selectConfirms(on channel: UInt16) {
        output.method(AMQP_CONFIRM_SELECT_METHOD, on: channel, amqp_confirm_select_t())
    }

    // MARK: Queues

    /// - Parameter isPassive: only asks whether the queue is there, whatever its arguments are.
    func declare(
        _ queue: String, arguments: [(String, AMQPValue)], isPassive: Bool, on channel: UInt16
    ) {
        defer { arena.recycle() }
        var request = amqp_queue_declare_t()
        request.queue = arena.bytes(queue)
        request.passive = isPassive ? 1 : 0
        request.durable = 1
        request.arguments = arena.table(arguments)
        output.method(AMQP_QUEUE_DECLARE_METHOD, on: channel, request)
    }

    func delete(_ queue: String, on channel: UInt16) {
        defer { arena.recycle() }
        var request = amqp_queue_delete_t()
        request.queue = arena.bytes(queue)
        request.nowait = 1
        output.method(AMQP_QUEUE_DELETE_METHOD, on: channel, request)
    }

    // MARK: Messages

    /// - Parameter window: messages that may be unacked on this channel, 1...65,535.
    func consume(_ queue: String, window: UInt16, on channel: UInt16) {
        defer { arena.recycle() }
        var quality = amqp_basic_qos_t()
        quality.prefetch_count = window
        output.method(AMQP_BASIC_QOS_METHOD, on: channel, quality)
        var request = amqp_basic_consume_t()
        request.queue = arena.bytes(queue)
        output.method(AMQP_BASIC_CONSUME_METHOD, on: channel, request)
    }

    func ack(_ tag: UInt64, isMultiple: Bool, on channel: UInt16) {
        let ack = amqp_basic_ack_t(delivery_tag: tag, multiple: isMultiple ? 1 : 0)
        output.method(AMQP_BASIC_ACK_METHOD, on: channel, ack)
    }

    /// Whether the header of such a message fits one frame, as AMQP demands.
    func canPublish(_ message: AMQPMessage) -> Bool {
        message.properties.count + AMQPOutput.contentHeaderByteCount + AMQPOutput.frameOverhead
            <= output.frameByteCountMax
    }

    /// To the queue, through the default exchange; returned if there is none.
    func publish(_ message: AMQPMessage, on channel: UInt16) {
        defer { arena.recycle() }
        var request = amqp_basic_publish_t()
        request.routing_key = arena.bytes(message.queue)
        request.mandatory = 1
        output.method(AMQP_BASIC_PUBLISH_METHOD, on: channel, request)
        output.content(message.properties, message.body, on: channel)
    }
}
