// OrderID: the correlation id of an order, found in an answer or a push.
//
//   …"correlationId":"0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3"…             the answer of a POST
//   …"correlationId":{"value":"0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3"}…   a push
//
// Thread: a pure value.  Allocates: never.

struct OrderID: Hashable {
    private let high: UInt64
    private let low: UInt64

    /// The first text of 32 hexadecimal digits and four dashes behind the member's name; nil without.
    init?(in bytes: UnsafeRawBufferPointer) {
        let name: StaticString = "\"correlationId\":"
        let count = name.utf8CodeUnitCount
        let wanted = UnsafeBufferPointer(start: name.utf8Start, count: count)
        guard bytes.count > count else { return nil }
        var position = 0
        while position + count < bytes.count {
            if bytes[position..<position + count].elementsEqual(wanted) { break }
            position += 1
        }
        position += count
        // `{"value":"` at most stands in between.
        let end = min(bytes.count, position + 12)
        while position < end,
            bytes[position] != UInt8(ascii: "\"")
                || Self.digit(position + 1 < bytes.count ? bytes[position + 1] : 0) == nil
        { position += 1 }
        guard let number = Self.number(bytes, from: position + 1) else { return nil }
        (high, low) = number
    }

    private static func number(
        _ bytes: UnsafeRawBufferPointer, from start: Int
    ) -> (UInt64, UInt64)? {
        guard start + 36 <= bytes.count else { return nil }
        var (high, low, digitCount) = (UInt64(0), UInt64(0), 0)
        for offset in 0..<36 {
            if [8, 13, 18, 23].contains(offset) {
                guard bytes[start + offset] == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = digit(bytes[start + offset]) else { return nil }
            if digitCount < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
            digitCount += 1
        }
        return (high, low)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 0x30...0x39: UInt64(byte - 0x30)
        case 0x41...0x46: UInt64(byte - 0x37)
        case 0x61...0x66: UInt64(byte - 0x57)
        default: nil
        }
    }
}
