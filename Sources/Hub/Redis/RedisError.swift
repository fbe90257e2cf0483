// RedisError: why a command has no answer that can be used.
//
// Thread: a pure value.

import Loop

public enum RedisError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no connection, or it broke before the reply: the command may have been executed.
    case unavailable(reason: String)
    /// The reply did not come in time: the command may have been executed, or may still be.
    case timedOut(reason: String)
    /// The server answered with an error.
    case refused(RedisServerError)
    /// The server does not accept user and password.
    case authentication(reason: String)

    /// A connection that has ended without our knowing why.
    static func lost(_ server: String, _ reason: CloseReason) -> Self {
        .unavailable(reason: "the connection to redis at \(server) is lost: \(reason)")
    }

    /// In words for an operator; never contains a password.
    public var description: String {
        switch self {
        case .unavailable(let reason), .timedOut(let reason), .authentication(let reason): reason
        case .refused(let error): "redis refused the command: \(error)"
        }
    }
}

/// What a connection, or the attempt to make one, is good for at the moment.
public enum RedisLinkState: Equatable, Sendable {
    case ready
    /// Connected, but a command has run into its deadline: others are not even tried until some
    /// reply arrives.
    case stalled
    /// Not connected; the error of the last attempt.
    case away(RedisError)
}
