// TransportRequest: a request of a polling or event-stream client that came to another loop or pod
// than its connection's.
//
//   any pod ── poll, send, … ──▶ the pod that holds the connection ── answer ──▶ any pod ──▶ client
//                                     nobody holds it: nil
//
// Whoever forwards it has authenticated the client and checked its token, which is the user's own.
//
// Thread: pure values.  Allocates: the body.

import Loop

public struct TransportRequest: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// Asks for what is to be sent; answered when there is something.
        case poll
        /// The bytes of a POST.
        case send([UInt8])
        case delete
        /// An event stream wants to begin elsewhere. Refused by whoever has the connection open; what
        /// was POSTed for it so far is the answer's body.
        case attach
        /// Nobody waits for the poll with this request id any more. Not answered.
        case abandon
    }

    public let kind: Kind
    public let connectionID: String
    /// Of this request, 22 characters; an `abandon` carries that of its poll.
    public let requestID: String
    /// A later request's authentication replaces the earlier one's.
    public let expiresAt: WallTime?
}

public struct TransportAnswer: Equatable, Sendable {
    /// Of the HTTP answer.
    public let status: Int
    /// Empty for none.
    public let contentType: String
    public let body: [UInt8]
}
