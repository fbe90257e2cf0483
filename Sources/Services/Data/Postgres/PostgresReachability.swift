// PostgresReachability: is the server there, and does it let us in? Asked once, at start-up.
//
//   connect ──▶ in                                          ──▶ return
//           ──▶ wrong password, no such database            ──▶ say so at once: waiting mends nothing
//           ──▶ refused, starting, silent ──▶ pause ──▶ connect …          until the time is up
//
// Thread: the main thread; blocks.  Allocates: per attempt.

import Loop

/// Why the database cannot be used at start-up; the reasons name it and never the password.
public enum PostgresUnreachable: Error, Equatable, Sendable {
    /// Nobody answered in time.
    case unavailable(String)
    case authentication(String)
    case unknownDatabase(String)
    /// It answers, with something that no waiting and no login mends.
    case failed(String)

    public var reason: String {
        switch self {
        case .unavailable(let text), .authentication(let text), .unknownDatabase(let text),
            .failed(let text):
            text
        }
    }
}

extension PostgresOrderStore {
    /// Tries to log in until it works, at most for `limit`.
    public static func waitUntilReachable(
        _ options: PostgresOptions, atMost limit: Duration
    ) throws(PostgresUnreachable) {
        let time = SystemTime()
        let end = time.monotonicNow.advanced(by: limit)
        var pauses = Backoff()
        pauses.most = .seconds(1)
        while true {
            let now = time.monotonicNow
            let deadline = min(end, now.advanced(by: options.connectTimeout))
            do throws(PostgresError) {
                _ = try PostgresConnection(options, deadline: deadline)
                return
            } catch {
                switch error.kind {
                case .authentication: throw .authentication(error.storeError.reason)
                case .unknownDatabase: throw .unknownDatabase(error.storeError.reason)
                case .failed, .readOnly, .conflict, .duplicate: throw .failed(error.reason)
                case .unavailable, .connectionLost, .deadlineExceeded:
                    let pause = pauses.next(random: SystemRandom())
                    let next = time.monotonicNow.advanced(by: pause)
                    if next >= end { throw .unavailable(error.reason) }
                    PostgresConnection.pause(pause)
                }
            }
        }
    }
}
