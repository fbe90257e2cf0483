// WebSocketClient: a scripted WebSocket client for tests; every wait ends after ten seconds.

public final class WebSocketClient {
    /// One frame from the server.
    public struct Frame: Equatable, Sendable, CustomStringConvertible {
        /// 1 text, 2 binary, 8 close, 9 ping, 10 pong.
        public let opcode: UInt8
        public let payload: [UInt8]
        /// RSV1.
        public let isCompressed: Bool

        public init(opcode: UInt8, payload: [UInt8], isCompressed: Bool = false) {
            self.opcode = opcode
            self.payload = payload
            self.isCompressed = isCompressed
        }

        public var text: String { String(decoding: payload, as: UTF8.self) }
        /// The code of a Close frame.
        public var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
        public var description: String { "frame \(opcode): \(text)" }
    }

    public let stream: BlockingClient
    private var unread: [UInt8] = []

    /// Opens a WebSocket; an answer other than 101 is thrown with its head and body.
    public init(to address: String, path: String, fields: [String] = []) throws {
        stream = try BlockingClient(to: address)
        let extra = fields.map { $0 + "\r\n" }.joined()
        try stream.send(
            "GET \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: Upgrade\r\n"
                + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(extra)\r\n")
        let head = try readHead()
        if !head.hasPrefix("HTTP/1.1 101 ") {
            throw ClientError(description: head + String(decoding: unread, as: UTF8.self))
        }
    }

    /// A whole message in one masked text frame.
    public func send(_ text: String) throws { try send(frame(opcode: 1, Array(text.utf8))) }

    public func send(_ bytes: [UInt8]) throws { try stream.send(bytes) }

    /// The bytes of a masked frame.
    public func frame(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        var bytes = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case ..<126: bytes.append(0x80 | UInt8(payload.count))
        case ..<65_536:
            bytes += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(0xFF)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        bytes += mask
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
        return bytes
    }

    /// The next frame; nil at the end of the stream.
    public func receive() throws -> Frame? {
        guard let head = try take(2) else { return nil }
        var count = Int(head[1] & 0x7F)
        if count >= 126 {
            let extended = try take(count == 126 ? 2 : 8) ?? []
            count = extended.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let payload = try take(count) else { return nil }
        return Frame(
            opcode: head[0] & 0x0F, payload: payload, isCompressed: head[0] & 0x40 != 0)
    }

    /// The next record of a stream of text messages, without its separator.
    public func receiveRecord() throws -> String {
        while true {
            if !records.isEmpty { return records.removeFirst() }
            guard let frame = try receive() else {
                throw ClientError(description: "the stream ended")
            }
            guard frame.opcode == 1, frame.payload.last == 0x1E else {
                throw ClientError(description: "not a hub message: \(frame)")
            }
            records += frame.payload.dropLast().split(
                separator: 0x1E, omittingEmptySubsequences: false
            ).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private var records: [String] = []

    /// Sends a Close frame with 1000.
    public func close() throws { try send(frame(opcode: 8, [0x03, 0xE8])) }

    private func take(_ count: Int) throws -> [UInt8]? {
        while unread.count < count {
            let more = try stream.receive()
            if more.isEmpty { return nil }
            unread += more
        }
        defer { unread.removeFirst(count) }
        return Array(unread.prefix(count))
    }

    private func readHead() throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) {
            guard let byte = try take(1) else {
                throw ClientError(
                    description: "no answer: \(String(decoding: head, as: UTF8.self))")
            }
            head += byte
        }
        return String(decoding: head, as: UTF8.self)
    }
}
