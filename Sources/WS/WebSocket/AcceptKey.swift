// AcceptKey: the proof that a server has understood the opening handshake.
//
// Thread: any.  Allocates: its result.  Source: RFC 6455 §1.3, §4.2.2 step 5.4.

import COpenSSL

public enum AcceptKey {
    /// A constant of the protocol; unlikely to be used by a server that does not know WebSocket.
    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// The 28 characters of Sec-WebSocket-Accept for a Sec-WebSocket-Key: base64(SHA-1(key + suffix)).
    public static func make(for key: String) -> String {
        let input = Array((key + suffix).utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        SHA1(input, input.count, &digest)
        // 20 bytes make 28 characters; EVP_EncodeBlock ends them with a zero.
        var text = [UInt8](repeating: 0, count: 29)
        let count = EVP_EncodeBlock(&text, digest, Int32(digest.count))
        assert(count == 28)
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    /// Whether `key` is the base64 form of 16 bytes: 22 characters and two of padding.
    static func isWellFormed(_ key: String) -> Bool {
        let characters = Array(key.utf8)
        guard characters.count == 24, characters.suffix(2).elementsEqual("==".utf8) else {
            return false
        }
        return characters.dropLast(2).allSatisfy { character in
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}
