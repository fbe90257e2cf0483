// FuzzTarget: a parser that faces the network, and what must hold for any bytes that it is given.
//
//   bytes ─▶ GuardedBytes ─▶ check ─▶ nil, or the sentence that is not true
//
// No check may trap: that is the first thing that is looked for. The others are sentences, so that a
// test can print them and the fuzzer can stop at them.
//
// Thread: any.  Allocates: freely.

import Hub

package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The JSON scanner and the values it reads.
    case scanner
    /// The MessagePack reader and the values it reads.
    case reader
    case json
    case messagepack
    case framer
    case request
    case chunked
    /// A WebSocket's frames and messages.
    case frame
    /// Tokens and the keys they are signed with.
    case jwt
    case proxy

    /// - Returns: what does not hold; nil if all is well.
    package func violation(_ bytes: UnsafeRawBufferPointer) -> String? {
        do throws(Violation) {
            switch self {
            case .scanner: try ScannerClaims.check(bytes)
            case .reader: try ReaderClaims.check(bytes)
            case .json: try MessageClaims.check(bytes, .json)
            case .messagepack: try MessageClaims.check(bytes, .messagePack)
            case .framer: try FramerClaims.check(bytes)
            case .request: try RequestClaims.check(bytes)
            case .chunked: try ChunkedClaims.check(bytes)
            case .frame: try FrameClaims.check(bytes)
            case .jwt: try JWTClaims.check(bytes)
            case .proxy: try ProxyClaims.check(bytes)
            }
            return nil
        } catch { return error.text }
    }
}

/// A sentence that turned out not to be true.
struct Violation: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws(Violation) {
    if !isTrue { throw Violation(text()) }
}
