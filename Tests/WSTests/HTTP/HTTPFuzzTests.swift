// Damaged requests by the thousand, the same in every run: nothing traps, and what a request means
// does not depend on how it was cut into packets.

import Loop
import TestSupport
import Testing

@testable import WS

@Suite struct HTTPFuzzTests {
    private static let seeds = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a%20b?c=d HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12\r\nConnection: close\r\n\r\n",
        "POST http://a:1/b HTTP/1.0\r\nExpect: 100-continue\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a%20b\r\nTransfer-Encoding: chunked\r\nA:\t b \r\n\r\n",
    ]
    private static let bodies = [
        "4\r\nWiki\r\n6;a=b ; c=\"d\\\"\" ;e\r\npedia \r\n00E\r\nin \r\n\r\nchunks.\r\n0\r\nX: v\r\n\r\n",
        "1\r\na\r\n0\r\n\r\n",
    ]
    /// Bytes that mean something somewhere.
    private static let pieces: [[UInt8]] = [
        [0x00], [0x09], [0x0A], [0x0D], [0x0D, 0x0A], [0x20], [0x22], [0x25], [0x2C], [0x2F],
        [0x30],
        [0x3A], [0x3B], [0x3D], [0x3F], [0x46], [0x5B], [0x7F], [0x80], [0xFF],
    ]

    private func damaged(_ text: String, _ random: SeededRandom) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...random.below(3) {
            let index = Int(random.below(UInt64(bytes.count)))
            let piece = Self.pieces[Int(random.below(UInt64(Self.pieces.count)))]
            switch random.below(4) {
            case 0: bytes.insert(contentsOf: piece, at: index)
            case 1: bytes.replaceSubrange(index...index, with: piece)
            case 2 where bytes.count > 1: bytes.remove(at: index)
            default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 9)], at: index)
            }
        }
        return bytes
    }

    @Test func `a damaged head means the same however it is split`() {
        let random = SeededRandom(seed: 1)
        var refusals = Set<HTTPError>()
        for round in 0..<4000 {
            let bytes = damaged(Self.seeds[round % Self.seeds.count], random)
            var whole = RequestParser(limits: HTTPLimits())
            let expected = whole.parse(bytes.span)
            if case .malformed(let error) = expected { refusals.insert(error) }

            var parser = RequestParser(limits: HTTPLimits())
            var end = 0
            var result = RequestParser.Result.incomplete
            while result == .incomplete, end < bytes.count {
                end = min(bytes.count, end + 1 + Int(random.below(9)))
                result = parser.parse(Array(bytes[..<end]).span)
            }
            #expect(result == expected, "round \(round)")
        }
        // The damage reaches the rules, not only the first line.
        #expect(refusals.count > 12)
    }

    @Test func `a damaged chunked body means the same however it is split`() {
        let random = SeededRandom(seed: 2)
        for round in 0..<4000 {
            let bytes = damaged(Self.bodies[round % Self.bodies.count], random)
            let whole = decode(bytes, pieceByteCountMax: bytes.count, random)
            let split = decode(bytes, pieceByteCountMax: 1 + Int(random.below(5)), random)
            #expect(whole == split, "round \(round)")
        }
    }

    private struct Decoded: Equatable {
        var body: [UInt8] = []
        var consumed = 0
        var error: HTTPError?
    }

    /// After an error only the error counts: how much was read before it depends on the pieces.
    private func decode(
        _ bytes: [UInt8], pieceByteCountMax: Int, _ random: SeededRandom
    ) -> Decoded {
        var decoder = ChunkedDecoder(limits: HTTPLimits(), bodyByteCountMax: 64)
        var decoded = Decoded()
        while decoded.consumed < bytes.count, !decoder.isComplete {
            let end = min(bytes.count, decoded.consumed + pieceByteCountMax)
            do throws(HTTPError) {
                let piece = Array(bytes[decoded.consumed..<end])
                decoded.consumed += try decoder.decode(piece.span, into: &decoded.body)
            } catch {
                return Decoded(error: error)
            }
        }
        return decoded
    }
}
