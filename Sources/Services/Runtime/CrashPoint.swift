// CrashPoint: named places where a test ends the process, as if by kill -9.
//
//   CRASH_AT=relay.afterConfirm:3   ends it when that place is reached for the third time
//
// The windows between a commit and an ack are too narrow to be hit by random kills; a run per name
// hits each of them. Release builds contain none of this: `reach` is empty there.
//
// Thread: any.  Allocates: in debug builds only.

import Glibc
import Synchronization

/// The places, in the order in which an order passes them.
public enum CrashPoint: String, CaseIterable, Sendable {
    /// All rows are written, the transaction is open.
    case acceptBeforeCommit = "accept.beforeCommit"
    case acceptAfterCommit = "accept.afterCommit"
    /// Workflow state and relay know of the order; the client does not.
    case acceptBeforeReply = "accept.beforeReply"
    case relayBeforePublish = "relay.beforePublish"
    /// The broker has the message and has not confirmed it.
    case relayAfterPublish = "relay.afterPublish"
    /// Confirmed, and still standing in the outbox.
    case relayAfterConfirm = "relay.afterConfirm"
    case processAfterReceive = "process.afterReceive"
    /// Completed in the database, not acked.
    case processAfterCommit = "process.afterCommit"
    case processAfterAck = "process.afterAck"
    case notifyAfterReceive = "notify.afterReceive"
    case notifyAfterResolve = "notify.afterResolve"
    /// The backplane has the push; the message is not acked.
    case notifyAfterBackplane = "notify.afterBackplane"
    case notifyAfterAck = "notify.afterAck"
    case drainMiddle = "drain.middle"
    /// A migration's statements are run, its transaction is open.
    case migrateMiddle = "migrate.middle"

    /// Ends the process with status 137 if `CRASH_AT` names this point and the count is reached.
    @inline(__always) public static func reach(_ point: CrashPoint) {
        #if CRASH_POINTS
            armed?.reach(point)
        #endif
    }

    #if CRASH_POINTS
        private static let armed = ArmedCrashPoint(
            environment: getenv("CRASH_AT").map { String(cString: $0) })
    #endif
}

#if CRASH_POINTS
    /// What `CRASH_AT` asked for.
    final class ArmedCrashPoint: Sendable {
        let point: CrashPoint
        private let visitsLeft: Atomic<Int>

        /// Nil without a value. Traps on a name that does not exist: a test that aims at nothing
        /// must not pass.
        init?(environment: String?) {
            guard let environment, !environment.isEmpty else { return nil }
            let parts = environment.split(separator: ":", maxSplits: 1)
            guard let point = CrashPoint(rawValue: String(parts[0])) else {
                preconditionFailure("CRASH_AT names no crash point: \(environment)")
            }
            let count = parts.count == 2 ? Int(parts[1]) : 1
            guard let count, count >= 1 else {
                preconditionFailure("CRASH_AT needs a count of at least 1: \(environment)")
            }
            self.point = point
            visitsLeft = Atomic(count)
        }

        func reach(_ reached: CrashPoint) {
            guard reached == point else { return }
            guard visitsLeft.subtract(1, ordering: .relaxed).newValue == 0 else { return }
            // Written first, so that a test can tell this end from any other.
            let line = "crash point \(point.rawValue) reached\n"
            _ = line.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
            _exit(137)
        }
    }
#endif
