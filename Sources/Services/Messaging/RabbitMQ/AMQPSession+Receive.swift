// AMQPSession+Receive: what each frame of the broker means in each phase.
//
//   frame ─┬─ channel 0 ─▶ handshake, close, blocked
//          └─ channel n ─▶ method ─▶ event
//                          header, body ─▶ content ─▶ event
//
// Thread: one loop.  Allocates: per message.  Source: AMQP 0-9-1 §4.2.

import CRabbitMQ

extension AMQPSession {
    func handle(_ frame: amqp_frame_t) throws(AMQPError) {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_HEARTBEAT: return
        case AMQP_FRAME_METHOD where frame.channel == 0:
            try handleConnection(frame.payload.method)
        case AMQP_FRAME_METHOD where phase == .open: try handleMethod(frame)
        case AMQP_FRAME_HEADER where phase == .open: try handleHeader(frame)
        case AMQP_FRAME_BODY where phase == .open: try handleBody(frame)
        // After our own close everything but its answer is to be ignored (§4.2.2 rule of close).
        case _ where phase == .closing: return
        case Int32(UInt8(ascii: "A")): throw .malformed("the broker does not speak AMQP 0-9-1")
        default: throw .malformed("a frame of type \(frame.frame_type) out of turn")
        }
    }

    // MARK: Channel 0

    private func handleConnection(_ method: amqp_method_t) throws(AMQPError) {
        switch (method.id, phase) {
        case (AMQP_CONNECTION_START_METHOD, .awaitingStart):
            try answerStart(method.fields(amqp_connection_start_t.self))
        case (AMQP_CONNECTION_TUNE_METHOD, .awaitingTune):
            let answer = try tune(method.fields(amqp_connection_tune_t.self))
            answerTune(answer)
        case (AMQP_CONNECTION_OPEN_OK_METHOD, .awaitingOpen):
            phase = .open
            emit(.opened)
        case (AMQP_CONNECTION_BLOCKED_METHOD, .open):
            emit(.blocked(method.fields(amqp_connection_blocked_t.self).reason.text))
        case (AMQP_CONNECTION_UNBLOCKED_METHOD, .open): emit(.unblocked)
        case (AMQP_CONNECTION_CLOSE_METHOD, _):
            let isLogin = phase == .awaitingTune
            let fields = method.fields(amqp_connection_close_t.self)
            let close = AMQPClose(code: fields.reply_code, text: fields.reply_text.text)
            output.method(AMQP_CONNECTION_CLOSE_OK_METHOD, on: 0, amqp_connection_close_ok_t())
            phase = .closed
            if isLogin, close.code == AMQPClose.accessRefused { throw .refused(close.text) }
            throw .closed(close)
        case (AMQP_CONNECTION_CLOSE_OK_METHOD, .closing):
            phase = .closed
            emit(.closed)
        case (_, .closing): return
        default: throw .malformed("\(name(of: method.id)) out of turn")
        }
    }

    private func answerStart(_ start: amqp_connection_start_t) throws(AMQPError) {
        guard start.version_major == 0, start.version_minor == 9 else {
            throw .malformed("the broker speaks AMQP \(start.version_major)-\(start.version_minor)")
        }
        guard start.mechanisms.text.split(separator: " ").contains("PLAIN") else {
            throw .refused("the broker does not offer PLAIN but \(start.mechanisms.text)")
        }
        phase = .awaitingTune
        startOk()
    }

    private func answerTune(_ answer: amqp_connection_tune_ok_t) {
        phase = .awaitingOpen
        output.method(AMQP_CONNECTION_TUNE_OK_METHOD, on: 0, answer)
        open()
    }

    // MARK: Channels

    private func handleMethod(_ frame: amqp_frame_t) throws(AMQPError) {
        let (number, method) = (frame.channel, frame.payload.method)
        guard let channel = channels[number] else {
            throw .malformed("\(name(of: method.id)) on channel \(number), which is not open")
        }
        if method.id == AMQP_CHANNEL_CLOSE_OK_METHOD || method.id == AMQP_CHANNEL_CLOSE_METHOD {
            return channelEnded(number, channel, method)
        }
        if channel.state == .closing { return }
        guard case .none = channel.content else {
            throw .malformed("\(name(of: method.id)) within a message")
        }
        switch method.id {
        case AMQP_CHANNEL_OPEN_OK_METHOD:
            channels[number]?.state = .open
            emit(.channelOpened(number))
        case AMQP_QUEUE_DECLARE_OK_METHOD:
            let fields = method.fields(amqp_queue_declare_ok_t.self)
            emit(
                .declared(
                    number, queue: fields.queue.text, messageCount: Int(fields.message_count)))
        case AMQP_CONFIRM_SELECT_OK_METHOD: emit(.confirming(number))
        case AMQP_BASIC_CONSUME_OK_METHOD: emit(.consuming(number))
        case AMQP_BASIC_CANCEL_METHOD: emit(.cancelled(number))
        case AMQP_BASIC_ACK_METHOD:
            let fields = method.fields(amqp_basic_ack_t.self)
            confirmed(number, fields.delivery_tag, fields.multiple, isAccepted: true)
        case AMQP_BASIC_NACK_METHOD:
            let fields = method.fields(amqp_basic_nack_t.self)
            confirmed(number, fields.delivery_tag, fields.multiple, isAccepted: false)
        case AMQP_BASIC_DELIVER_METHOD:
            let tag = method.fields(amqp_basic_deliver_t.self).delivery_tag
            channels[number]?.content = .awaitingHeader(.deliver(tag: tag))
        case AMQP_BASIC_RETURN_METHOD:
            let fields = method.fields(amqp_basic_return_t.self)
            let reason = AMQPClose(code: fields.reply_code, text: fields.reply_text.text)
            channels[number]?.content = .awaitingHeader(
                .returned(queue: fields.routing_key.text, reason))
        case AMQP_BASIC_QOS_OK_METHOD: return
        default: throw .malformed("\(name(of: method.id)), which nobody asked for")
        }
    }

    private func confirmed(
        _ number: UInt16, _ tag: UInt64, _ isMultiple: amqp_boolean_t, isAccepted: Bool
    ) {
        emit(.confirmed(number, tag: tag, isMultiple: isMultiple != 0, isAccepted: isAccepted))
    }

    private func channelEnded(_ number: UInt16, _ channel: Channel, _ method: amqp_method_t) {
        if method.id == AMQP_CHANNEL_CLOSE_OK_METHOD {
            channels[number] = nil
            return
        }
        output.method(AMQP_CHANNEL_CLOSE_OK_METHOD, on: number, amqp_channel_close_ok_t())
        // Both closed at once: the answer to ours is still to come.
        if channel.state == .closing { return }
        channels[number] = nil
        let fields = method.fields(amqp_channel_close_t.self)
        emit(
            .channelClosed(number, AMQPClose(code: fields.reply_code, text: fields.reply_text.text))
        )
    }

    // MARK: Content

    private func handleHeader(_ frame: amqp_frame_t) throws(AMQPError) {
        guard let channel = channels[frame.channel] else {
            throw .malformed("a header on channel \(frame.channel), which is not open")
        }
        if channel.state == .closing { return }
        guard case .awaitingHeader(let method) = channel.content else {
            throw .malformed("a header without a message")
        }
        let header = frame.payload.properties
        switch method {
        case .deliver(let tag):
            let properties = header.decoded.assumingMemoryBound(to: amqp_basic_properties_t.self)
            let (headers, retryCount) = AMQPProperties.read(properties.pointee)
            var delivery = AMQPDelivery(
                tag: tag, properties: header.raw.array, headers: headers, retryCount: retryCount,
                body: [], bodyByteCount: header.body_size)
            delivery.body.reserveCapacity(
                Int(min(header.body_size, UInt64(settings.bodyByteCountMax))))
            channels[frame.channel]?.content = .collecting(delivery, left: header.body_size)
        case .returned(let queue, let reason):
            channels[frame.channel]?.content = .skipping(
                queue: queue, reason, left: header.body_size)
        }
        finishContent(frame.channel)
    }

    private func handleBody(_ frame: amqp_frame_t) throws(AMQPError) {
        guard let state = channels[frame.channel]?.state else {
            throw .malformed("a body on channel \(frame.channel), which is not open")
        }
        if state == .closing { return }
        try channels[frame.channel]?.content.append(
            frame.payload.body_fragment.buffer, byteCountMax: settings.bodyByteCountMax)
        finishContent(frame.channel)
    }

    private func finishContent(_ number: UInt16) {
        if let event = channels[number]?.content.takeFinished(on: number) { emit(event) }
    }

    private func name(of method: amqp_method_number_t) -> String {
        amqp_method_name(method).map { String(cString: $0) } ?? "method \(method)"
    }
}

extension amqp_method_t {
    fileprivate func fields<Fields>(_ type: Fields.Type) -> Fields {
        decoded.assumingMemoryBound(to: type).pointee
    }
}
