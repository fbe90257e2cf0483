// AMQPOutput: the frames that wait for the transport, as one run of bytes.
//
//   ┌──────┬─────────┬──────┬─────────┬──────┐
//   │ type │ channel │ size │ payload │ 0xCE │     method: id, fields   header: class, size, properties
//   └──────┴─────────┴──────┴─────────┴──────┘     body: at most frame-max − 8 bytes   heartbeat: empty
//      1        2       4       size      1
//
// Thread: one loop.  Allocates: when the run of bytes grows.  Source: AMQP 0-9-1 §2.3.5, §4.2.

import CRabbitMQ

struct AMQPOutput {
    /// Head and end mark of a frame.
    static let frameOverhead = 8
    /// Class, weight and body size in front of the properties of a content header.
    static let contentHeaderByteCount = 12
    /// The smallest frame that a broker must accept; all our methods fit it.
    static let methodByteCountMax = 4096
    /// A buffer that grew larger than this for one message is given back.
    private static let keptCapacity = 1024 * 1024

    /// Of the connection; 4096 until it is tuned.
    var frameByteCountMax = AMQPOutput.methodByteCountMax
    private var bytes: [UInt8] = []
    private var start = 0

    var byteCount: Int { bytes.count - start }

    /// Hands over at most `byteCountMax` bytes from the front and forgets them.
    mutating func take(atMost byteCountMax: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        let end = min(bytes.count, start + byteCountMax)
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
        start = end
        guard start == bytes.count else { return }
        start = 0
        if bytes.capacity > Self.keptCapacity {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    mutating func protocolHeader() { bytes += [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1] }

    mutating func heartbeat() { frame(AMQP_FRAME_HEARTBEAT, on: 0) { _ in } }

    /// - Parameter fields: the `amqp_…_t` structure of the method `id`.
    mutating func method<Fields: BitwiseCopyable>(
        _ id: amqp_method_number_t, on channel: UInt16, _ fields: Fields
    ) {
        withUnsafeTemporaryAllocation(byteCount: Self.methodByteCountMax, alignment: 8) { buffer in
            var fields = fields
            let room = amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress)
            let count = withUnsafeMutablePointer(to: &fields) { amqp_encode_method(id, $0, room) }
            precondition(count >= 0, "a method of ours does not fit its frame")
            frame(AMQP_FRAME_METHOD, on: channel) { payload in
                payload.appendBigEndian(id)
                payload += UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])
            }
        }
    }

    /// The content that follows basic.publish.
    ///
    /// - Parameter properties: encoded; with their header they fit one frame.
    mutating func content(_ properties: [UInt8], _ body: [UInt8], on channel: UInt16) {
        frame(AMQP_FRAME_HEADER, on: channel) { payload in
            payload.appendBigEndian(UInt16(AMQP_BASIC_CLASS))
            payload.appendBigEndian(UInt16(0))
            payload.appendBigEndian(UInt64(body.count))
            payload += properties
        }
        let portion = frameByteCountMax - Self.frameOverhead
        var offset = 0
        while offset < body.count {
            let end = min(body.count, offset + portion)
            frame(AMQP_FRAME_BODY, on: channel) { $0 += body[offset..<end] }
            offset = end
        }
    }

    private mutating func frame(
        _ type: Int32, on channel: UInt16, _ payload: (inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(type))
        bytes.appendBigEndian(channel)
        let sizeOffset = bytes.count
        bytes.appendBigEndian(UInt32(0))
        payload(&bytes)
        let size = UInt32(bytes.count - sizeOffset - 4)
        precondition(Int(size) + Self.frameOverhead <= frameByteCountMax, "frame too large")
        for index in 0..<4 {
            bytes[sizeOffset + index] = UInt8(truncatingIfNeeded: size >> (24 - 8 * index))
        }
        bytes.append(UInt8(AMQP_FRAME_END))
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}
