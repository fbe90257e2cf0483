// SHA256: the digest of some bytes.
//
// Thread: any.  Allocates: the result.  Source: FIPS 180-4, man 3 SHA256.

import COpenSSL

enum SHA256Digest {
    /// 32 bytes.
    static func of(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { buffer, filled in
            _ = SHA256(bytes, bytes.count, buffer.baseAddress)
            filled = Int(SHA256_DIGEST_LENGTH)
        }
    }

    /// 64 lower-case hexadecimal digits of the digest of a text.
    static func hex(of text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in of(Array(text.utf8)) {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}
