// HTTPError: how a peer broke the rules of HTTP, and the status each breach is answered with.
//
// After any of these the framing of the connection can no longer be trusted, so the connection is
// closed behind the answer. What is wrong with a well-framed request (no such route, a bad token)
// is not an HTTPError but an ordinary response.
//
// Thread: a pure value.  Allocates: never.  Source: RFC 9112 §2.2, §3, §5, §6, §7; RFC 9110 §15.

/// The peer's fault. The raw value is the stable name in counters.
public enum HTTPError: String, Error, Hashable, Sendable, CaseIterable {
    // Lines.
    case bareLineFeed, bareCarriageReturn, controlByte, tooManyEmptyLines
    // Request line.
    case malformedRequestLine, malformedTarget, malformedVersion, unsupportedVersion
    case requestLineTooLong, connectRefused
    // Fields.
    case malformedField, foldedField, tooManyFields, fieldsTooLarge
    case missingHost, duplicateHost, malformedHost
    // Framing.
    case malformedContentLength, duplicateContentLength, contentLengthWithTransferEncoding
    case malformedTransferEncoding, unsupportedTransferCoding, transferEncodingInHTTP10
    case unsupportedExpectation
    // Body.
    case malformedChunk, malformedTrailer, trailersTooLarge, bodyTooLarge
    // Time.
    case headTimeout, bodyTooSlow

    public var status: HTTPStatus {
        switch self {
        case .unsupportedVersion: .versionNotSupported
        case .requestLineTooLong: .uriTooLong
        case .connectRefused: .methodNotAllowed
        case .tooManyFields, .fieldsTooLarge, .trailersTooLarge: .headerFieldsTooLarge
        case .unsupportedTransferCoding: .notImplemented
        case .unsupportedExpectation: .expectationFailed
        case .bodyTooLarge: .contentTooLarge
        case .headTimeout, .bodyTooSlow: .requestTimeout
        default: .badRequest
        }
    }

    /// One sentence for the peer's developer.
    public var detail: StaticString {
        switch self {
        case .bareLineFeed: "A line must end with CR LF, not LF alone."
        case .bareCarriageReturn: "A CR must be followed by LF."
        case .controlByte: "A control byte in the head of the request."
        case .tooManyEmptyLines: "Too many empty lines before the request line."
        case .malformedRequestLine: "The request line must be: method SP target SP version."
        case .malformedTarget: "The request target is malformed."
        case .malformedVersion: "The HTTP version is malformed."
        case .unsupportedVersion: "Only HTTP/1.0 and HTTP/1.1 are spoken here."
        case .requestLineTooLong: "The request line is too long."
        case .connectRefused: "This server is no proxy."
        case .malformedField: "A header field is malformed."
        case .foldedField: "A header field must not continue on the next line."
        case .tooManyFields: "Too many header fields."
        case .fieldsTooLarge: "The header fields are too large."
        case .missingHost: "An HTTP/1.1 request must have a Host field."
        case .duplicateHost: "A request must have one Host field only."
        case .malformedHost: "The Host field is malformed."
        case .malformedContentLength: "Content-Length must be one decimal number."
        case .duplicateContentLength: "A request must have one Content-Length only."
        case .contentLengthWithTransferEncoding:
            "Content-Length and Transfer-Encoding exclude each other."
        case .malformedTransferEncoding: "Transfer-Encoding must be exactly: chunked."
        case .unsupportedTransferCoding: "The only transfer coding spoken here is chunked."
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding."
        case .unsupportedExpectation: "The only expectation met here is 100-continue."
        case .malformedChunk: "The chunked body is malformed."
        case .malformedTrailer: "The trailer section is malformed."
        case .trailersTooLarge: "The trailer section is too large."
        case .bodyTooLarge: "The request body is too large."
        case .headTimeout: "The request took too long to arrive."
        case .bodyTooSlow: "The request body arrived too slowly."
        }
    }
}
