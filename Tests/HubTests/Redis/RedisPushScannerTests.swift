import Testing

@testable import Hub

@Suite("RedisPushScanner") struct RedisPushScannerTests {
    private static let stream =
        message("c", "hi") + "*3\r\n$9\r\nsubscribe\r\n$2\r\nab\r\n:1\r\n" + message("d", "")
        + "*3\r\n$11\r\nunsubscribe\r\n$2\r\nab\r\n:0\r\n"
        + "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n" + "*2\r\n$4\r\npong\r\n$1\r\nt\r\n"
        + "+PONG\r\n+OK\r\n$2\r\ntt\r\n-NOPERM no\r\n" + message("e", "*3\r\n$7\r\n")
    private static let events = [
        "message c hi", "subscribed ab", "message d ", "unsubscribed ab", "other", "pong t",
        "pong ", "other", "pong tt", "refused NOPERM no", "message e *3\r\n$7\r\n",
    ]

    private static func message(_ channel: String, _ payload: String) -> String {
        "*3\r\n$7\r\nmessage\r\n$\(channel.utf8.count)\r\n\(channel)\r\n"
            + "$\(payload.utf8.count)\r\n\(payload)\r\n"
    }

    private func scan(
        _ pieces: [ArraySlice<UInt8>], byteCountMax: Int = 1024
    ) throws -> [String] {
        var scanner = RedisPushScanner(byteCountMax: byteCountMax)
        var events: [String] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try scanner.feed(bytes) { events.append(Self.text($0)) }
            }
        }
        return events
    }

    private static func text(_ push: RedisPush) -> String {
        func string(_ bytes: UnsafeRawBufferPointer) -> String {
            String(decoding: bytes, as: UTF8.self)
        }
        switch push {
        case .message(let channel, let payload):
            return "message \(string(channel)) \(string(payload))"
        case .subscribed(let channel): return "subscribed \(string(channel))"
        case .unsubscribed(let channel): return "unsubscribed \(string(channel))"
        case .pong(let token): return "pong \(string(token))"
        case .refused(let text): return "refused \(string(text))"
        case .other: return "other"
        }
    }

    @Test func `everything is found, split at every byte`() throws {
        let bytes = Array(Self.stream.utf8)
        for split in 0...bytes.count {
            #expect(try scan([bytes[..<split], bytes[split...]]) == Self.events, "\(split)")
        }
        #expect(try scan(bytes.indices.map { bytes[$0...$0] }) == Self.events)
    }

    @Test func `nothing is found before its last byte`() throws {
        let bytes = Array(Self.message("c", "hi").utf8)
        for count in 0..<bytes.count { #expect(try scan([bytes[..<count]]).isEmpty) }
        #expect(try scan([bytes[...]]) == ["message c hi"])
    }

    @Test func `an unfinished message may be as long as the limit and no longer`() throws {
        let bytes = Array(Self.message("c", String(repeating: "x", count: 100)).utf8)
        #expect(try scan([bytes[..<64]], byteCountMax: 64).isEmpty)
        #expect(throws: RedisProtocolError.self) { try scan([bytes[..<65]], byteCountMax: 64) }
        // What arrives whole needs no room.
        #expect(try scan([bytes[...]], byteCountMax: 64).count == 1)
    }

    @Test(
        arguments: [
            "x", "*1\r\n$1\r\nx\r\n", "*4\r\n$8\r\npmessage\r\n", "*3\r\n:1\r\n", "*3\n",
            "*3\r\n$7\r\nmessageXX", "*3\r\n$x\r\n", "*3\r\n$1-\r\n", "*3\r\n$1000000000\r\n",
            "*3\r\r",
        ])
    func `what is not the protocol is an error`(text: String) {
        #expect(throws: RedisProtocolError.self) { try scan([Array(text.utf8)[...]]) }
    }
}
