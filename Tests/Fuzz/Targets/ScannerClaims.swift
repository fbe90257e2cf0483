// ScannerClaims: what holds for the JSON scanner and the values it reads, whatever the text.
//
//   text ─ skipValue ─▶ RawJSON ─ read ─▶ HubValue ─ write ─▶ text′ ─ read ─▶ … the same from there on
//                          └──── transcode ─▶ MessagePack == what the HubValue writes
//
// Thread: any.  Allocates: the values.

import Hub

enum ScannerClaims {
    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        var scanner = JSONScanner(bytes)
        guard let range = try? scanner.skipValue() else { return }
        try require(
            range.lowerBound >= 0 && range.upperBound <= bytes.count && !range.isEmpty,
            "a value lies within the text")
        let text = Array(bytes[range])
        var alone = text.withUnsafeBytes { buffer in
            var scanner = JSONScanner(buffer)
            return (try? scanner.skipValue()) == 0..<text.count
        }
        try require(alone, "a value's own bytes are one value")
        if let last = text.last, last == UInt8(ascii: "}") || last == UInt8(ascii: "]") {
            alone = text.dropLast().withUnsafeBytes { buffer in
                var scanner = JSONScanner(buffer)
                return (try? scanner.skipValue()) == nil
            }
            try require(alone, "a container without its end is no value")
        }
        try checkValue(.json(RawJSON(checked: text[...])))
    }

    static func checkValue(_ raw: RawValue) throws(Violation) {
        // A number out of range is no value, and neither is a key that is no text.
        guard let value = try? raw.read() else { return }
        let packed = MessageClaims.messagePack(.value(value))
        if case .json = raw {
            try require(
                MessageClaims.messagePack(raw) == packed, "transcoding gives what the value gives")
        }
        if let packed {
            let again = (try? RawMessagePack(packed)).map { RawValue.messagePack($0) }
            let back = again.flatMap { try? $0.read() }
            try require(
                back.flatMap { MessageClaims.messagePack(.value($0)) } == packed,
                "a value comes back from MessagePack")
        }
        guard let text = MessageClaims.json(.value(value)) else { return }
        guard let first = (try? RawJSON(text)).flatMap({ try? RawValue.json($0).read() }) else {
            throw Violation("what is written as JSON is JSON")
        }
        // A float of 32 bits has another text as one of 64, and a whole number another kind; once.
        let normal = MessageClaims.json(.value(first))
        let second = normal.flatMap { try? RawValue.json(RawJSON($0)).read() }
        try require(
            second.flatMap { MessageClaims.json(.value($0)) } == normal,
            "a value comes back from JSON")
    }
}
