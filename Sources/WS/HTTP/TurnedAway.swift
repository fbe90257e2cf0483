// TurnedAway: requests that are well-formed and all the same not served now.
//
//                the loop is late (503)     the address asks too often (429)
//   vital        served                     served
//   ordinary     served                     turned away
//   deferrable   turned away                turned away
//
// Decided when the head is complete, so before a body is read where the client waits for "100
// Continue". The connection stays: whoever is told to come back would otherwise come with a handshake.
//
// Thread: pure values.  Allocates: the answer.
// Source: RFC 6585 §4 (429); RFC 9110 §15.6.4 (503), §10.2.3 (Retry-After).

import Loop

/// Which requests are answered when there is no time for all.
public enum RequestUrgency: Sendable {
    /// Always: whoever watches over the process must not be told that it is dead.
    case vital
    case ordinary
    /// Can be repeated later without harm.
    case deferrable
}

public enum TurnedAway: Sendable {
    case late
    /// - Parameter wait: until the address may ask again.
    case tooMany(wait: Duration)

    /// The stable name in counters.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case lag
        case addressRate = "address_rate"
    }

    public var reason: Reason {
        switch self {
        case .late: .lag
        case .tooMany: .addressRate
        }
    }

    /// Longer than the lag's memory.
    private static let lateWait: Duration = .seconds(2)

    func response(to request: Request) -> Response {
        switch self {
        case .late:
            Problem(.serviceUnavailable, detail: "The server is busy; try again.")
                .response(to: request, retryAfter: Self.lateWait)
        case .tooMany(let wait):
            Problem(.tooManyRequests, detail: "Too many requests; try again later.")
                .response(to: request, retryAfter: wait)
        }
    }
}
