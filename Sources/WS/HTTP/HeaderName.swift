// HeaderName: the field names this server reads, matched without regard to case and without a
// string.
//
// Thread: a pure value.  Allocates: never after the first use.  Source: RFC 9110 §5.1.

/// A field name the server knows; all others are `other` and found by their text.
public enum HeaderName: UInt8, Hashable, Sendable, CaseIterable {
    case host, connection, upgrade, expect, te, via
    case contentLength, contentType, transferEncoding
    case accept, acceptEncoding, authorization, cookie, origin, referer, userAgent
    case ifNoneMatch, lastEventID
    case accessControlRequestMethod, accessControlRequestHeaders
    case secWebSocketKey, secWebSocketVersion, secWebSocketProtocol, secWebSocketExtensions
    case traceparent, tracestate, correlationID, idempotencyKey
    case forwarded, forwardedFor, forwardedProto, forwardedHost
    case other

    /// The name in lower case.
    public var text: StaticString {
        switch self {
        case .host: "host"
        case .connection: "connection"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .te: "te"
        case .via: "via"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .transferEncoding: "transfer-encoding"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .authorization: "authorization"
        case .cookie: "cookie"
        case .origin: "origin"
        case .referer: "referer"
        case .userAgent: "user-agent"
        case .ifNoneMatch: "if-none-match"
        case .lastEventID: "last-event-id"
        case .accessControlRequestMethod: "access-control-request-method"
        case .accessControlRequestHeaders: "access-control-request-headers"
        case .secWebSocketKey: "sec-websocket-key"
        case .secWebSocketVersion: "sec-websocket-version"
        case .secWebSocketProtocol: "sec-websocket-protocol"
        case .secWebSocketExtensions: "sec-websocket-extensions"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .correlationID: "x-correlation-id"
        case .idempotencyKey: "idempotency-key"
        case .forwarded: "forwarded"
        case .forwardedFor: "x-forwarded-for"
        case .forwardedProto: "x-forwarded-proto"
        case .forwardedHost: "x-forwarded-host"
        case .other: ""
        }
    }

    /// The known names by their length, so that a field is compared with two or three of them.
    private static let byLength: [[HeaderName]] = {
        let known = allCases.filter { $0 != .other }
        let longest = known.map(\.text.utf8CodeUnitCount).max() ?? 0
        return (0...longest).map { length in
            known.filter { $0.text.utf8CodeUnitCount == length }
        }
    }()

    init(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) {
        let table = Self.byLength
        if Int(range.count) < table.count {
            for name in table[Int(range.count)] where name.text.equalsIgnoringCase(bytes, range) {
                self = name
                return
            }
        }
        self = .other
    }
}
