// HTTPClientError: why a request to another server has no answer that could be used.
//
// Thread: a pure value.  Allocates: its text.

import Loop

/// How the server broke the rules of HTTP.
public enum ResponseFault: Error, Equatable, Sendable {
    case malformedStatusLine
    /// 101 without having been asked to.
    case switchedProtocols
    /// More than `HTTPClientLimits.interimResponseCountMax`.
    case tooManyInterimResponses
    /// The connection ended within the response.
    case truncated
    /// Bytes that no request has asked for.
    case unasked
    /// A rule that binds requests and responses alike.
    case breach(HTTPError)
}

public struct HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        /// No connection could be opened.
        case unreachable(DialError.Kind)
        /// The whole of the response had not come within the time given.
        case timedOut
        /// The connection ended before the first byte of a response.
        case connectionLost
        case badResponse(ResponseFault)
        /// Nothing is followed: whoever configured the URL should name the place itself.
        case redirected(location: String)
        /// `HTTPClientLimits.exchangeCountMax` requests wait already.
        case overloaded
        /// An https URL, and a client made without a `TLSClientContext`.
        case noTLS
    }

    public let kind: Kind
    /// With method and URL (no query): `GET https://login.example/keys: timed out after 5 s`.
    public let description: String

    init(_ kind: Kind, _ request: ClientRequest, _ what: String) {
        self.kind = kind
        description = "\(request.text): \(what)"
    }

    init(_ fault: ResponseFault, _ request: ClientRequest) {
        let what =
            switch fault {
            case .malformedStatusLine: "the answer is not HTTP/1.1"
            case .switchedProtocols: "the server switched protocols unasked"
            case .tooManyInterimResponses: "too many interim responses"
            case .truncated: "the connection ended within the response"
            case .unasked: "the server sent bytes nobody asked for"
            case .breach(let error): "malformed response (\(error.rawValue))"
            }
        self.init(.badResponse(fault), request, what)
    }
}
