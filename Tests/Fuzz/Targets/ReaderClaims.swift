// ReaderClaims: what holds for the MessagePack reader and the values it reads, whatever the bytes.
//
//   bytes ─ skip ─▶ RawMessagePack ─ read ─▶ HubValue       and no accessor consumes what it refuses
//
// Thread: any.  Allocates: the values.

import Hub

enum ReaderClaims {
    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        try checkAccessors(bytes)
        var reader = MessagePackReader(bytes)
        guard let range = try? reader.skip() else { return }
        try require(
            range.lowerBound == 0 && range.upperBound <= bytes.count && !range.isEmpty,
            "a value lies within the bytes")
        let value = Array(bytes[range])
        for count in 0..<min(value.count, 64) {
            let isValue = value.prefix(count).withUnsafeBytes { prefix in
                var reader = MessagePackReader(prefix)
                return (try? reader.skip()) != nil
            }
            try require(!isValue, "no prefix of a value is one")
        }
        try ScannerClaims.checkValue(.messagePack(RawMessagePack(checked: value[...])))
    }

    /// Each on its own reader, as one may leave the next a byte inside of a value.
    private static func checkAccessors(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        func offset(_ read: (inout MessagePackReader) throws -> Void) -> (Int, Bool) {
            var reader = MessagePackReader(bytes)
            let isRead = (try? read(&reader)) != nil
            return (reader.offset, isRead)
        }
        let outcomes = [
            offset { _ = try $0.bool() }, offset { _ = try $0.integer() },
            offset { _ = try $0.double() }, offset { _ = try $0.string() },
            offset { _ = try $0.binary() }, offset { _ = try $0.array() },
            offset { _ = try $0.map() },
        ]
        for (offset, isRead) in outcomes {
            try require(offset <= bytes.count, "a reader stays within the bytes")
            try require(isRead == (offset > 0), "what is refused is not consumed")
        }
    }
}
