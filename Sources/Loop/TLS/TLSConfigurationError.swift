// TLSConfigurationError: a certificate, key or other file of TLS that cannot be used.
//
// Thread: a pure value.  Allocates: its text.

import COpenSSL
import Glibc

/// The text says which file and how to mend it.
public struct TLSConfigurationError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

extension TLSConfigurationError {
    /// `what` with the reason OpenSSL has just given, and what to do about it.
    static func openSSL(_ what: String, hint: String) -> Self {
        let code = ERR_get_error()
        let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "unknown reason"
        ERR_clear_error()
        return Self(description: "\(what): \(reason); \(hint)")
    }
}

/// A file that OpenSSL reads.
struct TLSFile: ~Copyable {
    let bio: OpaquePointer

    /// - Parameter what: the file's part in a sentence, "the certificate".
    init(_ path: String, _ what: String, hint: String) throws(TLSConfigurationError) {
        guard let bio = BIO_new_file(path, "r") else {
            let reason = String(cString: strerror(errno))
            ERR_clear_error()
            throw TLSConfigurationError(
                description: "cannot read \(what) \(path): \(reason); \(hint)")
        }
        self.bio = bio
    }

    deinit { BIO_free(bio) }

    /// The whole file; nil if it is longer than that.
    func readAll(byteCountMax: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: byteCountMax + 1)
        let count = Int(BIO_read(bio, &bytes, Int32(bytes.count)))
        return count > byteCountMax ? nil : Array(bytes.prefix(max(0, count)))
    }
}
