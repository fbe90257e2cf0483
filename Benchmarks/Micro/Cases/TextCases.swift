// TextCases: UTF-8 validated, base64url read and written.
//
// Thread: one.  Allocates: base64url its results; the validator nothing.

import CMicro
import Hub
import WS

extension MicroCase {
    static let textCases = [
        validateUTF8("text.utf8.ascii.200", of: ascii(200)),
        validateUTF8("text.utf8.ascii.4096", of: ascii(4096)),
        validateUTF8("text.utf8.mixed.4096", of: mixed(4096)),
        encodeBase64URL, decodeBase64URL,
    ]

    private static func ascii(_ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(32 + $0 % 90) }
    }

    /// Characters of one to four bytes in turn, ten bytes together; the rest is blanks.
    private static func mixed(_ byteCount: Int) -> [UInt8] {
        let whole = Array(String(repeating: "aä€😀", count: byteCount / 10).utf8)
        return whole + [UInt8](repeating: 0x20, count: byteCount - whole.count)
    }

    /// An operation gives 1: the text is valid.
    private static func validateUTF8(_ name: String, of text: [UInt8]) -> MicroCase {
        MicroCase(name, byteCount: text.count, each: 1) {
            { operationCount in
                var validCount: UInt64 = 0
                text.withUnsafeBytes { bytes in
                    for _ in 0..<operationCount {
                        cmicro_clobber(bytes.baseAddress)
                        if UTF8Validator.isValid(bytes) { validCount &+= 1 }
                    }
                }
                return validCount
            }
        }
    }

    /// A signature of RS256 has 256 bytes, and 342 characters. An operation gives the characters.
    private static let encodeBase64URL = MicroCase(
        "text.base64url.encode.256", byteCount: 256, each: 342
    ) {
        let bytes = (0..<256).map { UInt8($0) }
        return { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                bytes.withUnsafeBytes { cmicro_clobber($0.baseAddress) }
                sum &+= UInt64(Base64URL.encode(bytes).utf8.count)
            }
            return sum
        }
    }

    /// An operation gives the number of bytes and the last of them, 255.
    private static let decodeBase64URL = MicroCase(
        "text.base64url.decode.256", byteCount: 256, each: 256 + 255
    ) {
        let text = Array(Base64URL.encode((0..<256).map { UInt8($0) }).utf8)
        return { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                text.withUnsafeBytes { cmicro_clobber($0.baseAddress) }
                guard let bytes = Base64URL.decode(text) else { return 0 }
                sum &+= UInt64(bytes.count) &+ UInt64(bytes.last ?? 0)
            }
            return sum
        }
    }
}
