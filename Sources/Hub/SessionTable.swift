// SessionTable: what one loop holds by connection id for clients whose requests come one by one.
//
//   reserved ─ first poll ─▶ open ─ its transport is gone ─▶ ended ─ its token has expired ─▶ –
//      └───── event stream begins elsewhere ─▶ –
//
// Thread: one loop.  Allocates: when it grows.

import Loop
import WS

/// A request for a connection that nobody may hold yet.
struct TransportAttempt: Sendable {
    let request: TransportRequest
    /// The connection token, as it was sent.
    let token: String
    let user: AuthenticatedUser
    let httpRequest: Request
    /// Nobody waits for the answer any more.
    let abandonment: HubCancellation
    let answered: @Sendable (TransportAnswer?) -> Void
}

struct SessionTable {
    enum Entry {
        case open(HubConnection)
        case reserved(Reservation)
        /// Whoever comes with its token is told that it is over.
        case ended(until: MonotonicInstant)
    }

    /// What was POSTed before the client attached.
    struct Reservation {
        /// Of the first POST.
        let attempt: TransportAttempt
        var bytes: [UInt8] = []
        let until: MonotonicInstant
    }

    var tokens = SessionTokens()
    var entries: [String: Entry] = [:]
    var hasClock = false
    /// What all of them kept for their clients when the clock last ticked.
    var keptByteCount = 0

    /// Sessions that are over, and whose clients have not fetched our last words.
    var unfetchedCount: Int {
        entries.values.count { entry in
            guard case .open(let session) = entry, case .polling(let queue) = session.link else {
                return false
            }
            return queue.hasLastWords
        }
    }
}
