// ClientFrame: a masked frame, made once and sent by every connection.
//
//   ┌────────────┬────────────┬──────────────────┬─────┬────────────────┐
//   │ 0x80 | op  │ 0x80 | len │ 0, 2 or 8 bytes  │ key │ payload ^ key  │
//   └────────────┴────────────┴──────────────────┴─────┴────────────────┘
//
// One key for all: the mask protects intermediaries from clients that scripts control (RFC 6455
// §10.3), and nobody scripts this one. The server unmasks it like any other.
//
// Thread: pure functions.  Allocates: the frame.  Source: RFC 6455 §5.3.

import WS

enum ClientFrame {
    private static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    static func make(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        var frame = payload.withUnsafeBytes { FrameWriter.makeFrame(opcode, $0) }
        let headerByteCount = frame.count - payload.count
        frame[1] |= 0x80
        frame.insert(contentsOf: key, at: headerByteCount)
        for position in payload.indices {
            frame[headerByteCount + 4 + position] ^= key[position & 3]
        }
        return frame
    }

    /// A SignalR record in a text frame; the separator is put behind it.
    static func record(_ json: String) -> [UInt8] {
        make(.text, Array(json.utf8) + [HubRecords.separator])
    }
}
