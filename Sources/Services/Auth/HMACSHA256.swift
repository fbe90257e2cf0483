// HMACSHA256: the signature of HS256, and a comparison that does not tell where it failed.
//
// Thread: pure functions.  Allocates: the 32 bytes of the result.
// Source: RFC 2104; OpenSSL HMAC(3), CRYPTO_memcmp(3).

import COpenSSL

package enum HMACSHA256 {
    static let byteCount = 32

    package static func sign(_ message: some Collection<UInt8>, key: [UInt8]) -> [UInt8] {
        let message = Array(message)
        return [UInt8](unsafeUninitializedCapacity: byteCount) { signature, count in
            var length: UInt32 = 0
            let result = HMAC(
                EVP_sha256(), key, Int32(key.count), message, message.count,
                signature.baseAddress, &length)
            // Fails only without memory or without the algorithm; nothing could go on then.
            precondition(result != nil && length == UInt32(byteCount), "HMAC failed")
            count = byteCount
        }
    }

    /// Takes the same time wherever the first difference is.
    static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}
