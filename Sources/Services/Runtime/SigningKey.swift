// SigningKey: which HMAC keys are good enough, and the one everybody knows.
//
// Thread: constants.  Source: RFC 7518 §3.2 (a key of at least the hash's 32 bytes).

enum SigningKey {
    /// The key of the .NET system's settings files: public, so good for development only.
    static let documented = "PLEASE_CHANGE_ME__DEV_ONLY__AT_LEAST_32_CHARS_LONG"
    /// HS256 signs with SHA-256; a shorter key is weaker than the signature looks.
    static let byteCountMin = 32

    /// Why `key` must not guard a production system; nil if it may.
    static func weakness(of key: String) -> String? {
        if key.isEmpty { return "is not set" }
        if key == documented { return "is the documented development key, which everybody knows" }
        if key.utf8.count < byteCountMin { return "is shorter than \(byteCountMin) bytes" }
        return nil
    }
}
