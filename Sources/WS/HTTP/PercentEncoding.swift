// PercentEncoding: the text behind `%20`.
//
// Two readings, because two parties wrote the rules: a path must be well formed (RFC 3986 §2.1; the
// request parser has refused it otherwise), while a query is a form, where "+" is a blank and a
// broken escape stands for itself (WHATWG URL, application/x-www-form-urlencoded).
//
// Thread: pure functions.  Allocates: the result.

enum PercentEncoding {
    /// The bytes of a path segment.
    static func decodePath(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        decode(bytes, plusIsSpace: false)
    }

    /// The text of a form's name or value; invalid UTF-8 becomes U+FFFD.
    static func decodeForm(_ bytes: ArraySlice<UInt8>) -> String {
        // Nearly all stand for themselves, tokens among them.
        let isPlain = !bytes.contains { $0 == .percent || $0 == 0x2B }
        let decoded = isPlain ? bytes : decode(bytes, plusIsSpace: true)[...]
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let (byte, next) = unit(bytes, at: index)
            // An escaped plus is a plus; only the plain one is a blank.
            let isPlainPlus = plusIsSpace && byte == 0x2B && next == index + 1
            decoded.append(isPlainPlus ? .space : byte)
            index = next
        }
        return decoded
    }

    /// The byte that `index` stands for, and where the next one begins.
    static func unit(_ bytes: ArraySlice<UInt8>, at index: Int) -> (byte: UInt8, next: Int) {
        guard bytes[index] == .percent, index + 2 < bytes.endIndex,
            let high = bytes[index + 1].hexDigitValue, let low = bytes[index + 2].hexDigitValue
        else { return (bytes[index], index + 1) }
        return (high << 4 | low, index + 3)
    }
}
