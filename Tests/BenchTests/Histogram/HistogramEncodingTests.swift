import Testing

@testable import Measure

/// What the package hdrhistogram 0.10.8 for Python writes and reads.
private struct Vector: CustomStringConvertible {
    let description: String
    let layout: HistogramLayout
    /// Value and how often.
    let values: [(UInt64, Int)]
    let base64: String
    /// minimum, maximum, p50, p99.
    let figures: [UInt64]

    static let hour = HistogramLayout(
        lowest: 1, highest: 3_600_000_000_000, significantDigits: 3)!
    static let coarse = HistogramLayout(
        lowest: 1000, highest: 1_000_000_000, significantDigits: 2)!

    static let all = [
        Vector(
            description: "one value", layout: hour, values: [(1, 1)],
            base64: "HISTFAAAACJ4nJNpmSzMwMDAxAABzFCaEch0M9ixgMH+A1SACQBXGQRQ",
            figures: [1, 1, 1, 1]),
        Vector(
            description: "values where rows begin", layout: hour,
            values: [0, 1, 3, 2047, 2048, 4096, 1_234_567, 3_600_000_000_000].map { ($0, 1) },
            base64: "HISTFAAAADR4nJNpmSzMwMAAwiDADKUZgUw3gx0LGOw/QASYmBiZvsozMf3lZ3rexMi0+joT"
                + "EwDP9Al9",
            figures: [0, 3_601_330_077_695, 2047, 3_601_330_077_695]),
        Vector(
            description: "large counts", layout: coarse,
            values: [1000, 5000, 999_999, 123_456_789].map { ($0, 1 << 40) },
            base64: "HISTFAAAAC94nJNpmSzMwMAgxwABTBCK+QWItJ51isH+A0SEsQEEHHgh1GVOCP0aygcAuXMSAg==",
            figures: [512, 123_731_967, 5119, 123_731_967]),
        Vector(
            description: "ten thousand values", layout: hour,
            values: (1...10_000).map { ($0 * 1000, 1) },
            base64: "HISTFAAAANZ4nJNpmSzMwCDyjgECmKE0I5DpZrBjAYP9B4jAeX6ms/xMUzmYnrIzLWRh+sgMRcuZ"
                + "mL4zYkErGZmqmSrx4GwmayC0BZPk0bpM0kyyQIgg6c/nZ+Jl4gZiCESwsIsOV3l2JlYwZIbSqJB4"
                + "0VH9Q18/MxMjGsQQwAWJVkgLM0ctH7V81HIqmIkOWDBEcAEaqBy1fNTyUcvpaTkLOmDDEKGNIL3s"
                + "GbV81PJRy3EKckAAFwcHBgurIAFp2ho0avmo5aOWU9UgAQEhAQHsBNVkaG0FDwAig4YB",
            figures: [1000, 10_002_431, 5_001_215, 9_904_127]),
    ]

    var histogram: Histogram {
        let histogram = Histogram(layout: layout)
        for (value, count) in values { histogram.record(value, count: count) }
        return histogram
    }
}

@Suite struct HistogramEncodingTests {
    @Test(arguments: Vector.all) fileprivate func `the bytes are those of another library`(
        vector: Vector
    ) {
        #expect(vector.histogram.base64 == vector.base64)
    }

    @Test(arguments: Vector.all) fileprivate func `what another library wrote is read`(
        vector: Vector
    ) throws {
        let histogram = try Histogram(base64: vector.base64)

        #expect(histogram == vector.histogram)
        #expect(
            [
                histogram.minimum, histogram.maximum, histogram.value(at: 0.5),
                histogram.value(at: 0.99),
            ] == vector.figures)
    }

    @Test func `an empty histogram is read, with and without its slot 0`() throws {
        let withoutSlot = "HISTFAAAAB14nJNpmSzMgADMUJoRyHQz2LGAwf4DRAAATjkESw=="

        #expect(try Histogram(base64: withoutSlot) == Histogram())
        #expect(try Histogram(encoded: Histogram().encoded) == Histogram())
        #expect(Histogram().encoded.suffix(1) == [1])
    }

    @Test(arguments: Vector.all) fileprivate func `each broken-off encoding is refused`(
        vector: Vector
    ) {
        let plain = vector.histogram.encoded
        for count in 0..<plain.count {
            #expect(throws: HistogramViolation.truncated) {
                try Histogram(encoded: Array(plain[..<count]))
            }
        }
        let compressed = vector.histogram.compressed
        for count in 0..<compressed.count {
            #expect(throws: HistogramViolation.self) {
                try Histogram(compressed: Array(compressed[..<count]))
            }
        }
        for count in 0..<vector.base64.count {
            #expect(throws: HistogramViolation.self) {
                try Histogram(base64: String(vector.base64.prefix(count)))
            }
        }
    }

    @Test func `a stream that breaks off is refused although its length is right`() {
        let compressed = Vector.all[3].histogram.compressed
        for count in 8..<compressed.count {
            var bytes = Array(compressed[..<count])
            bytes.replaceSubrange(4..<8, with: [0, 0, 0, UInt8(count - 8)])
            #expect(throws: HistogramViolation.self) { try Histogram(compressed: bytes) }
        }
    }

    @Test func `bytes behind the end are refused`() {
        let histogram = Vector.all[0].histogram
        #expect(throws: HistogramViolation.trailingBytes) {
            try Histogram(encoded: histogram.encoded + [0])
        }
        #expect(throws: HistogramViolation.trailingBytes) {
            try Histogram(compressed: histogram.compressed + [0])
        }
        #expect(throws: HistogramViolation.trailingBytes) {
            try Histogram(compressed: Self.wrapped(histogram.encoded + [0]))
        }
    }

    @Test func `each flipped bit is read or refused, never a crash`() {
        let compressed = Vector.all[1].histogram.compressed
        let plain = Vector.all[1].histogram.encoded
        for bit in 0..<(compressed.count * 8) {
            var bytes = compressed
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try? Histogram(compressed: bytes)
        }
        for bit in 0..<(plain.count * 8) {
            var bytes = plain
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try? Histogram(encoded: bytes)
            _ = try? Histogram(compressed: Self.wrapped(bytes))
        }
    }

    @Test(arguments: [
        // -2^63, a run that would leave the table
        ([255, 255, 255, 255, 255, 255, 255, 255, 255], HistogramViolation.countTooLarge),
        // 2^63 - 1
        ([254, 255, 255, 255, 255, 255, 255, 255, 255], .countTooLarge),
        // 2^53 twice: each is allowed, their sum is not
        (
            [128, 128, 128, 128, 128, 128, 128, 32, 128, 128, 128, 128, 128, 128, 128, 32],
            .countTooLarge
        ),
        // a run of 33793 empty slots in a table of 33792
        ([0x81, 0x90, 0x04], .countsBeyondLayout),
        // 33792 empty slots, and a count behind them
        ([0xFF, 0x8F, 0x04, 2], .countsBeyondLayout),
        // a number without its end
        ([0x80], .truncated),
    ])
    func `hostile counts are refused`(payload: [Int], violation: HistogramViolation) {
        #expect(throws: violation) { try Histogram(encoded: Self.plain(payload.map(UInt8.init))) }
    }

    @Test func `counts up to the last slot are read`() throws {
        // A run of 33791 empty slots, then 1.
        let histogram = try Histogram(encoded: Self.plain([0xFD, 0x8F, 0x04, 2]))

        #expect(histogram.count == 1)
        #expect(histogram.highestIndex == histogram.layout.slotCount - 1)
    }

    @Test func `a header of another kind is refused`() {
        func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            var encoded = Histogram().encoded
            encoded.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
            return encoded
        }
        let cases: [([UInt8], HistogramViolation)] = [
            (changed(0, [0x1C, 0x84, 0x93, 0x01]), .unknownCookie(0x1C84_9301)),
            (changed(4, [0xFF, 0xFF, 0xFF, 0xFF]), .countsBeyondLayout),
            (changed(8, [0, 0, 0, 1]), .shifted),
            (changed(12, [0, 0, 0, 6]), .impossibleLayout),
            (changed(12, [0xFF, 0xFF, 0xFF, 0xFF]), .impossibleLayout),
            (changed(16, [0, 0, 0, 0, 0, 0, 0, 0]), .impossibleLayout),
            (changed(24, [0xFF]), .impossibleLayout),
        ]
        for (bytes, violation) in cases {
            #expect(throws: violation) { try Histogram(encoded: bytes) }
            #expect(throws: violation) { try Histogram(compressed: Self.wrapped(bytes)) }
        }
    }

    /// An encoding of the default layout with any counts.
    private static func plain(_ payload: [UInt8]) -> [UInt8] {
        var bytes = Histogram().encoded.dropLast() + payload
        bytes.replaceSubrange(4..<8, with: [0, 0, 0, UInt8(payload.count)])
        return Array(bytes)
    }

    private static func wrapped(_ encoded: [UInt8]) -> [UInt8] {
        let stream = Deflate.compress(encoded)
        return [0x1C, 0x84, 0x93, 0x14, 0, 0, 0, UInt8(stream.count)] + stream
    }
}
