import Testing

@testable import Hub

@Suite("MessageFramer") struct MessageFramerTests {
    private static let stream = Array("ab\u{1E}\u{1E}cde\u{1E}rest".utf8)

    @Test func `records of one chunk come in order and the rest is kept`() {
        var framer = MessageFramer(recordByteCountMax: nil)

        #expect(records(&framer, Self.stream) == ["ab", "", "cde"])
        #expect(!framer.isEmpty)
        #expect(records(&framer, [0x1E]) == ["rest"])
        #expect(framer.isEmpty)
    }

    @Test(arguments: 0...11)
    func `any split gives the same records`(split: Int) {
        for second in split...Self.stream.count {
            var framer = MessageFramer(recordByteCountMax: 5)
            var seen = records(&framer, Array(Self.stream[..<split]))
            seen += records(&framer, Array(Self.stream[split..<second]))
            seen += records(&framer, Array(Self.stream[second...]))
            #expect(seen == ["ab", "", "cde"])
        }
    }

    @Test func `single bytes give the same records`() {
        var framer = MessageFramer(recordByteCountMax: 4)
        #expect(Self.stream.flatMap { records(&framer, [$0]) } == ["ab", "", "cde"])
    }

    @Test(arguments: [(8, true), (9, true), (10, true), (11, false)])
    func `a record passes with exactly the limit, separator included`(size: Int, passes: Bool) {
        let record = [UInt8](repeating: 0x61, count: size - 1) + [0x1E]
        for split in 0...size {
            var framer = MessageFramer(recordByteCountMax: 10)
            var seen = records(&framer, Array(record[..<split]))
            seen += records(&framer, Array(record[split...]))
            #expect((seen.last == "too long") == !passes, "split at \(split)")
        }
    }

    @Test(arguments: [(10, false), (11, true)])
    func `bytes without a separator are refused above the limit`(size: Int, isTooLong: Bool) {
        var framer = MessageFramer(recordByteCountMax: 10)
        let seen = records(&framer, [UInt8](repeating: 0x61, count: size))
        #expect((seen == ["too long"]) == isTooLong)
    }

    @Test func `records before an oversized one are handed out first`() {
        var framer = MessageFramer(recordByteCountMax: 4)
        #expect(records(&framer, Array("ab\u{1E}abcdefgh\u{1E}".utf8)) == ["ab", "too long"])
    }

    private func records(_ framer: inout MessageFramer, _ chunk: [UInt8]) -> [String] {
        var seen: [String] = []
        var offset = 0
        while true {
            let outcome = chunk.withUnsafeBytes { buffer in
                framer.next(in: buffer, from: &offset) { String(decoding: $0, as: UTF8.self) }
            }
            switch outcome {
            case .record(let text): seen.append(text)
            case .incomplete: return seen
            case .tooLong: return seen + ["too long"]
            case .malformed: return seen + ["malformed"]
            }
        }
    }
}
