// HistogramEncoding: a histogram as bytes that every HdrHistogram library reads, version 2.
//
//    4        4           4          4        8        8         8        payload bytes
//   +--------+-----------+----------+--------+--------+---------+--------+------------------+
//   | cookie | payload   | index    | digits | lowest | highest | ratio, | counts and runs  |
//   |        | bytes     | offset 0 |        |        |         | 1.0    | of empty slots   |
//   +--------+-----------+----------+--------+--------+---------+--------+------------------+
//   all big endian. A number of the payload is a count, or a run of n empty slots as -n; the last
//   one is of the highest slot that is not empty. ZigZag makes -1, 1, -2 to 1, 2, 3; LEB128
//   writes 7 bits a byte, lowest first, and the ninth byte carries 8.
//
//    4        4
//   +--------+------------+----------------------+
//   | cookie | bytes that | zlib stream of the   |      the compressed encoding; its base64 starts
//   |        | follow     | above                |      with "HISTFAAA"
//   +--------+------------+----------------------+
//
// Thread: any, one at a time.  Allocates: the result.
// Source: HdrHistogram, "AbstractHistogram" (encodeIntoByteBuffer), "ZigZagEncoding".

/// Why bytes are not a histogram. All are the fault of who wrote them.
public enum HistogramViolation: Error, Equatable, Sendable {
    case notBase64, notDeflated
    case truncated, trailingBytes
    /// Version 0 and 1, and histograms of floating point numbers, have others than ours.
    case unknownCookie(UInt32)
    case impossibleLayout, shifted
    case countsBeyondLayout, countTooLarge
}

extension Histogram {
    static let plainCookie: UInt32 = 0x1c84_9303 | 0x10
    static let compressedCookie: UInt32 = 0x1c84_9304 | 0x10
    static let headerByteCount = 40
    static let compressedHeaderByteCount = 8
    /// The most that a read histogram may have counted: exact as a Double, and a thousand of them
    /// can be added up.
    public static let readCountMax = 1 << 53

    /// Version 2, not compressed.
    public var encoded: [UInt8] {
        let payload = encodedCounts
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerByteCount + payload.count)
        bytes.append(bigEndian: Self.plainCookie)
        bytes.append(bigEndian: UInt32(payload.count))
        bytes.append(bigEndian: UInt32(0))
        bytes.append(bigEndian: UInt32(layout.significantDigits))
        bytes.append(bigEndian: layout.lowest)
        bytes.append(bigEndian: layout.highest)
        bytes.append(bigEndian: (1.0).bitPattern)
        return bytes + payload
    }

    /// Version 2, compressed.
    public var compressed: [UInt8] {
        let stream = Deflate.compress(encoded)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: Self.compressedCookie)
        bytes.append(bigEndian: UInt32(stream.count))
        return bytes + stream
    }

    /// Version 2, compressed, as text; what RunResult and the histogram log hold.
    public var base64: String { Base64.encode(compressed) }

    private var encodedCounts: [UInt8] {
        var bytes: [UInt8] = []
        // Slot 0 is written even if nothing was recorded: not every reader takes no counts at all.
        let end = (highestIndex ?? 0) + 1
        var index = 0
        while index < end {
            let start = index
            while index < end, counts[index] == 0 { index += 1 }
            let emptyCount = index - start
            if emptyCount > 0 {
                bytes.append(zigZag: Int64(-emptyCount))
            } else {
                bytes.append(zigZag: Int64(counts[index]))
                index += 1
            }
        }
        return bytes
    }
}

extension Histogram {
    public convenience init(base64 text: String) throws(HistogramViolation) {
        guard let bytes = Base64.decode(text.utf8) else { throw .notBase64 }
        try self.init(compressed: bytes)
    }

    public convenience init(compressed bytes: [UInt8]) throws(HistogramViolation) {
        var reader = ByteReader(bytes[...])
        let cookie: UInt32 = try reader.bigEndian()
        guard cookie == Self.compressedCookie else { throw .unknownCookie(cookie) }
        let streamByteCount: UInt32 = try reader.bigEndian()
        guard reader.rest.count >= Int(streamByteCount) else { throw .truncated }
        guard reader.rest.count == Int(streamByteCount) else { throw .trailingBytes }
        // The header says how much there may be, so a few bytes cannot become gigabytes.
        var head = ByteReader(try Self.inflated(reader.rest, limit: Self.headerByteCount)[...])
        let (layout, payloadByteCount) = try head.header()
        let byteCount = Self.headerByteCount + payloadByteCount
        let encoded = try Self.inflated(reader.rest, limit: byteCount + 1)
        guard encoded.count <= byteCount else { throw .trailingBytes }
        guard encoded.count == byteCount else { throw .truncated }
        try self.init(layout: layout, encodedCounts: encoded[Self.headerByteCount...])
    }

    public convenience init(encoded bytes: [UInt8]) throws(HistogramViolation) {
        var reader = ByteReader(bytes[...])
        let (layout, payloadByteCount) = try reader.header()
        guard reader.rest.count >= payloadByteCount else { throw .truncated }
        guard reader.rest.count == payloadByteCount else { throw .trailingBytes }
        try self.init(layout: layout, encodedCounts: reader.rest)
    }

    private convenience init(
        layout: HistogramLayout, encodedCounts: ArraySlice<UInt8>
    ) throws(HistogramViolation) {
        self.init(layout: layout)
        var reader = ByteReader(encodedCounts)
        var index = 0
        var total = 0
        while !reader.rest.isEmpty {
            let number = try reader.zigZag()
            guard number.magnitude <= UInt64(Self.readCountMax) else { throw .countTooLarge }
            let slotCount = number < 0 ? Int(-number) : 1
            guard slotCount <= layout.slotCount - index else { throw .countsBeyondLayout }
            if number > 0 {
                total += Int(number)
                guard total <= Self.readCountMax else { throw .countTooLarge }
                counts[index] = Int(number)
            }
            index += slotCount
        }
        counts[layout.slotCount] = total
    }

    private static func inflated(
        _ stream: ArraySlice<UInt8>, limit: Int
    ) throws(HistogramViolation) -> [UInt8] {
        guard let bytes = Deflate.decompress(stream, limit: limit) else { throw .notDeflated }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate mutating func append(zigZag number: Int64) {
        var bits = UInt64(bitPattern: number << 1 ^ number >> 63)
        for _ in 0..<8 {
            guard bits > 0x7F else { return append(UInt8(bits)) }
            append(UInt8(bits & 0x7F) | 0x80)
            bits >>= 7
        }
        append(UInt8(bits))
    }
}

/// Takes numbers from the front of bytes.
private struct ByteReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func byte() throws(HistogramViolation) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .truncated }
        return byte
    }

    mutating func bigEndian<Number: FixedWidthInteger>() throws(HistogramViolation) -> Number {
        var number: Number = 0
        for _ in 0..<(Number.bitWidth / 8) {
            number = number << 8 | Number(truncatingIfNeeded: try byte())
        }
        return number
    }

    mutating func zigZag() throws(HistogramViolation) -> Int64 {
        var bits: UInt64 = 0
        for position in 0..<8 {
            let byte = try byte()
            bits |= UInt64(byte & 0x7F) << (7 * position)
            if byte < 0x80 { return Int64(bitPattern: bits >> 1) ^ -Int64(bits & 1) }
        }
        bits |= UInt64(try byte()) << 56
        return Int64(bitPattern: bits >> 1) ^ -Int64(bits & 1)
    }

    /// The layout, and how many bytes of counts have to follow.
    mutating func header() throws(HistogramViolation) -> (HistogramLayout, Int) {
        let cookie: UInt32 = try bigEndian()
        guard cookie == Histogram.plainCookie else { throw .unknownCookie(cookie) }
        let payloadByteCount: UInt32 = try bigEndian()
        let offset: UInt32 = try bigEndian()
        let digits: UInt32 = try bigEndian()
        let lowest: UInt64 = try bigEndian()
        let highest: UInt64 = try bigEndian()
        // What a value is multiplied by when it is shown; ours are nanoseconds, so it is 1.
        let _: UInt64 = try bigEndian()
        guard offset == 0 else { throw .shifted }
        guard
            let layout = HistogramLayout(
                lowest: lowest, highest: highest, significantDigits: Int(digits))
        else { throw .impossibleLayout }
        // No number takes more than 9 bytes, and none stands for less than a slot.
        guard payloadByteCount <= 9 * layout.slotCount else { throw .countsBeyondLayout }
        return (layout, Int(payloadByteCount))
    }
}
