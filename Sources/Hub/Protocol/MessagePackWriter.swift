// MessagePackWriter: appends MessagePack values to an array of bytes, each in its shortest form.
//
// The caller writes a container's header and then exactly as many values as it promised. Numbers
// that are not negative use the unsigned forms, as the other pods' writer does.
//
// Thread: a pure value, any thread.  Allocates: when `bytes` grows.
// Source: MessagePack specification, "Formats"; "Serialization: type to format conversion".

import Glibc

public struct MessagePackWriter {
    /// The values so far.
    public private(set) var bytes: [UInt8] = []

    public init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    public mutating func `nil`() { bytes.append(0xC0) }

    public mutating func bool(_ value: Bool) { bytes.append(value ? 0xC3 : 0xC2) }

    public mutating func integer(_ value: Int64) {
        switch value {
        case 0...0x7F, -32..<0: bytes.append(UInt8(truncatingIfNeeded: value))
        case 0...: unsigned(UInt64(value))
        case Int64(Int8.min)...: append(0xD0, Int8(value))
        case Int64(Int16.min)...: append(0xD1, Int16(value))
        case Int64(Int32.min)...: append(0xD2, Int32(value))
        default: append(0xD3, value)
        }
    }

    public mutating func unsigned(_ value: UInt64) {
        switch value {
        case 0...0x7F: bytes.append(UInt8(value))
        case 0...0xFF: append(0xCC, UInt8(value))
        case 0...0xFFFF: append(0xCD, UInt16(value))
        case 0...0xFFFF_FFFF: append(0xCE, UInt32(value))
        default: append(0xCF, value)
        }
    }

    public mutating func float(_ value: Float) { append(0xCA, value.bitPattern) }

    public mutating func double(_ value: Double) { append(0xCB, value.bitPattern) }

    /// - Parameter text: less than 4 GiB.
    public mutating func string(_ text: String) {
        var copy = text
        copy.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter utf8: checked by the caller; less than 4 GiB.
    mutating func string(utf8: UnsafeRawBufferPointer) {
        switch utf8.count {
        case 0...31: bytes.append(0xA0 | UInt8(utf8.count))
        case 0...0xFF: append(0xD9, UInt8(utf8.count))
        case 0...0xFFFF: append(0xDA, UInt16(utf8.count))
        default: append(0xDB, UInt32(utf8.count))
        }
        bytes.append(contentsOf: utf8)
    }

    /// - Parameter content: less than 4 GiB.
    public mutating func binary(_ content: some Collection<UInt8>) {
        switch content.count {
        case 0...0xFF: append(0xC4, UInt8(content.count))
        case 0...0xFFFF: append(0xC5, UInt16(content.count))
        default: append(0xC6, UInt32(content.count))
        }
        bytes.append(contentsOf: content)
    }

    /// Extension −1, in the shortest of its three forms.
    public mutating func timestamp(_ moment: HubTimestamp) {
        let nanoseconds = UInt64(moment.nanoseconds)
        switch moment.seconds {
        case 0...0xFFFF_FFFF where nanoseconds == 0:
            append(0xD6, UInt8(0xFF))
            append(UInt32(moment.seconds))
        case 0..<1 << 34:
            append(0xD7, UInt8(0xFF))
            append(nanoseconds << 34 | UInt64(moment.seconds))
        default:
            append(0xC7, UInt16(0x0CFF))
            append(moment.nanoseconds)
            append(moment.seconds)
        }
    }

    /// The header of an array; its `count` items follow.
    public mutating func array(count: Int) {
        switch count {
        case 0...15: bytes.append(0x90 | UInt8(count))
        case 0...0xFFFF: append(0xDC, UInt16(count))
        default: append(0xDD, UInt32(count))
        }
    }

    /// The header of a map; its `count` pairs follow, key in front of value.
    public mutating func map(count: Int) {
        switch count {
        case 0...15: bytes.append(0x80 | UInt8(count))
        case 0...0xFFFF: append(0xDE, UInt16(count))
        default: append(0xDF, UInt32(count))
        }
    }

    /// Begins an array or a map of which only its end will tell how many it holds.
    /// - Returns: what its end must be told.
    mutating func beginContainer() -> Int {
        bytes.append(0)
        return bytes.count - 1
    }

    /// Puts the header where the container begins; what is in a long one moves.
    mutating func endArray(at start: Int, count: Int) {
        if count <= 15 { return bytes[start] = 0x90 | UInt8(count) }
        var header = MessagePackWriter()
        header.array(count: count)
        bytes.replaceSubrange(start...start, with: header.bytes)
    }

    mutating func endMap(at start: Int, count: Int) {
        if count <= 15 { return bytes[start] = 0x80 | UInt8(count) }
        var header = MessagePackWriter()
        header.map(count: count)
        bytes.replaceSubrange(start...start, with: header.bytes)
    }

    /// One value that is MessagePack already; the caller vouches for it.
    public mutating func raw(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

    /// Puts the length of all bytes so far in front of them; see LengthPrefix.
    mutating func prependLength() {
        let (prefix, prefixByteCount) = LengthPrefix.make(bytes.count)
        let byteCount = bytes.count
        for _ in 0..<prefixByteCount { bytes.append(0) }
        bytes.withUnsafeMutableBytes { buffer in
            // In place: `insert` would want an array of what it inserts.
            memmove(buffer.baseAddress! + prefixByteCount, buffer.baseAddress!, byteCount)
            for index in 0..<prefixByteCount {
                buffer[index] = UInt8(truncatingIfNeeded: prefix >> UInt64(8 * index))
            }
        }
    }

    private mutating func append(_ format: UInt8, _ number: some FixedWidthInteger) {
        bytes.append(format)
        append(number)
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
