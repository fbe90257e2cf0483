// MessageAssembler: from received bytes to messages, one event at a time.
//
//   receive buffer   │hdr│ payload │hdr│ payload │hdr│ pay…            next(in:at:)
//                         └─▶ .message, in place          └─▶ collected in the message buffer
//
//                        ┌── whole frame is here, FIN ──▶ deliver in place, nothing copied
//   data frame begins ───┤
//                        └── otherwise ──▶ collect pieces ──▶ (more fragments) ──▶ deliver
//                            compressed ──▶ inflate ──┘
//
// What `next` leaves unconsumed is at most a header or a control frame, 139 bytes in all: pieces of
// data frames are unmasked, checked and collected as they come, so text that is not UTF-8 fails
// inside an unfinished frame, and nobody waits for a frame larger than the receive buffer.
//
// Between messages it is three words: what a message in pieces needs is made with its first piece and
// freed with its delivery. A compressed message is one in pieces too, even if it came whole.
//
// Thread: the connection's loop.  Allocates: only for messages that arrive in pieces or compressed.
// Source: RFC 6455 §5.4, §5.5, §8.1; RFC 7692 §6, §7.2.2.

/// What a message is made of.
public enum MessageKind: Sendable {
    /// UTF-8, checked.
    case text
    case binary

    var opcode: Opcode { self == .text ? .text : .binary }
}

package struct MessageAssembler: ~Copyable {
    /// What stands next in the bytes.
    package enum Event {
        /// A whole message; valid until `messageDelivered` and as long as the received bytes.
        case message(UnsafeMutableRawBufferPointer, MessageKind)
        /// Valid as long as the received bytes.
        case ping(UnsafeRawBufferPointer)
        case pong
        case close(CloseCode)
        /// Nothing more to be had from these bytes.
        case incomplete
        /// The connection has failed; `next` may not be called again.
        case violation(FrameViolation)
    }

    /// The data frame whose payload has not arrived completely.
    private struct OpenFrame {
        var missingByteCount: Int
        /// Rotated: its lowest byte is for the next byte to come.
        var maskingKey: UInt32
        let isFinal: Bool
    }

    /// A message of which something has arrived.
    private final class Collection {
        let kind: MessageKind
        /// Of a compressed message, until it is whole.
        var inflater: Inflater?
        /// Payload bytes that have come.
        var receivedByteCount = 0
        /// The same, inflated.
        var bytes = MessageBuffer()
        var validator = UTF8Validator()
        var openFrame: OpenFrame?
        /// Handed out, and not yet freed by `messageDelivered`.
        var isWhole = false

        init(kind: MessageKind, inflater: Inflater?) {
            self.kind = kind
            self.inflater = inflater
        }
    }

    // The short one stands last, where its owner has another one to put beside it.
    /// Nil between messages.
    private var collection: Collection?
    /// Nil if messages may not be compressed.
    let deflate: MessageDeflate?
    private let messageByteCountMax: UInt32

    /// - Parameter messageByteCountMax: the largest message, over all its fragments, compressed or not.
    package init(messageByteCountMax: Int, deflate: MessageDeflate? = nil) {
        precondition(messageByteCountMax > 0)
        self.messageByteCountMax = UInt32(clamping: messageByteCountMax)
        self.deflate = deflate
    }

    /// Reads on in `bytes` from `offset` and moves `offset` behind what it has consumed.
    ///
    /// Payloads are unmasked in place. Call until it says `incomplete`; after a message call
    /// `messageDelivered` first.
    package mutating func next(
        in bytes: UnsafeMutableRawBufferPointer, at offset: inout Int
    ) -> Event {
        while true {
            if let collection, let frame = collection.openFrame {
                if let event = collect(frame, into: collection, bytes, at: &offset) {
                    return event
                }
            }
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            let span = rest.assumingMemoryBound(to: UInt8.self).span
            let room = Int(messageByteCountMax) - (collection?.receivedByteCount ?? 0)
            let header: FrameHeader
            let result = FrameHeader.parse(
                span, payloadByteCountMax: room, allowsCompression: deflate != nil)
            switch result {
            case .complete(let parsed): header = parsed
            case .incomplete: return .incomplete
            case .violation(let violation): return .violation(violation)
            }
            let isWhole = rest.count - header.byteCount >= header.payloadByteCount
            if header.opcode.isControl {
                guard isWhole else { return .incomplete }
                offset += header.byteCount + header.payloadByteCount
                return control(header, unmaskedPayload(header, in: rest))
            }
            if let violation = sequenceViolation(header.opcode) { return .violation(violation) }
            if isWhole, header.isFinal, collection == nil, !header.isCompressed {
                offset += header.byteCount + header.payloadByteCount
                return inPlace(header, unmaskedPayload(header, in: rest))
            }
            begin(header)
            offset += header.byteCount
        }
    }

    /// Frees what the message just delivered was collected in.
    package mutating func messageDelivered() {
        guard let collection else { return }
        assert(collection.isWhole)
        self.collection = nil
    }

    private func unmaskedPayload(
        _ header: FrameHeader, in rest: UnsafeMutableRawBufferPointer
    ) -> UnsafeMutableRawBufferPointer {
        let end = header.byteCount + header.payloadByteCount
        let payload = UnsafeMutableRawBufferPointer(rebasing: rest[header.byteCount..<end])
        Mask.apply(header.maskingKey, to: payload)
        return payload
    }

    private func control(_ header: FrameHeader, _ payload: UnsafeMutableRawBufferPointer) -> Event {
        let payload = UnsafeRawBufferPointer(payload)
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong
        case .close:
            do throws(FrameViolation) {
                return .close(try CloseCode.parse(payload))
            } catch {
                return .violation(error)
            }
        case .continuation, .text, .binary: preconditionFailure("not a control frame")
        }
    }

    private func inPlace(_ header: FrameHeader, _ payload: UnsafeMutableRawBufferPointer) -> Event {
        guard header.opcode == .text else { return .message(payload, .binary) }
        guard UTF8Validator.isValid(UnsafeRawBufferPointer(payload)) else {
            return .violation(.invalidUTF8)
        }
        return .message(payload, .text)
    }

    // MARK: Messages in pieces

    private func sequenceViolation(_ opcode: Opcode) -> FrameViolation? {
        if opcode == .continuation {
            return collection == nil ? .continuationWithoutStart : nil
        }
        return collection == nil ? nil : .messageInsideMessage
    }

    private mutating func begin(_ header: FrameHeader) {
        if header.opcode != .continuation {
            collection = Collection(
                kind: header.opcode == .text ? .text : .binary,
                inflater: header.isCompressed ? deflate?.takeInflater() : nil)
        }
        collection!.openFrame = OpenFrame(
            missingByteCount: header.payloadByteCount, maskingKey: header.maskingKey,
            isFinal: header.isFinal)
    }

    /// Takes what is here of the open frame. Nil when the frame is complete and its message not.
    private func collect(
        _ frame: OpenFrame, into collection: Collection,
        _ bytes: UnsafeMutableRawBufferPointer, at offset: inout Int
    ) -> Event? {
        var frame = frame
        let byteCount = min(frame.missingByteCount, bytes.count - offset)
        let piece = UnsafeMutableRawBufferPointer(
            rebasing: bytes[offset..<(offset + byteCount)])
        Mask.apply(frame.maskingKey, to: piece)
        offset += byteCount
        frame.missingByteCount -= byteCount
        frame.maskingKey = Mask.rotated(frame.maskingKey, by: byteCount)
        let isEnd = frame.missingByteCount == 0 && frame.isFinal
        do throws(FrameViolation) {
            try append(UnsafeRawBufferPointer(piece), to: collection, isEnd: isEnd)
        } catch {
            return .violation(error)
        }
        guard frame.missingByteCount == 0 else {
            collection.openFrame = frame
            return .incomplete
        }
        collection.openFrame = nil
        guard isEnd else { return nil }
        collection.isWhole = true
        return .message(collection.bytes.bytes, collection.kind)
    }

    /// - Parameter isEnd: of the message.
    private func append(
        _ piece: UnsafeRawBufferPointer, to collection: Collection, isEnd: Bool
    ) throws(FrameViolation) {
        let checkedByteCount = collection.bytes.byteCount
        collection.receivedByteCount += piece.count
        var violation: FrameViolation?
        if let inflater = collection.inflater {
            violation = inflate(piece, by: inflater, into: collection, isEnd: isEnd)
        } else {
            collection.bytes.append(piece)
        }
        let isText = collection.kind == .text
        let new = UnsafeRawBufferPointer(rebasing: collection.bytes.bytes[checkedByteCount...])
        // What came out before it broke comes first, so that it does not matter how it was cut.
        if isText, !collection.validator.append(new) { throw .invalidUTF8 }
        if let violation { throw violation }
        if isText, isEnd, !collection.validator.isBetweenCharacters { throw .invalidUTF8 }
    }

    private func inflate(
        _ piece: UnsafeRawBufferPointer, by inflater: Inflater, into collection: Collection,
        isEnd: Bool
    ) -> FrameViolation? {
        let byteCountMax = Int(messageByteCountMax)
        do throws(FrameViolation) {
            try inflater.inflate(piece, into: &collection.bytes, byteCountMax: byteCountMax)
            guard isEnd else { return nil }
            try inflater.finish(into: &collection.bytes, byteCountMax: byteCountMax)
        } catch {
            return error
        }
        collection.inflater = nil
        deflate?.giveBack(inflater)
        return nil
    }
}
