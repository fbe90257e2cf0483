// HubAdmission: who may open one more connection of the hub in this process.
//
//   negotiate, or an upgrade without it ─▶ the user's rate       ─▶ 429 with Retry-After
//   upgrade, event stream, first poll   ─▶ the user's count      ─▶ 429 with Retry-After
//   whatever lives without a socket     ─▶ the process's count   ─▶ 503 with Retry-After
//
// Clients without a user are not counted by user: a hub that lets them in cannot tell them apart.
//
// Thread: any; a lock per connection, and none where there is no limit.
// Allocates: per user with a connection.

import Loop
import Synchronization

final class HubAdmission: Sendable {
    private let userConnectionCountMax: Int
    private let sessionCountMax: Int
    private let connectRates: RateTable?
    private let countByUser = Mutex<[String: Int]>([:])
    private let sessionCount = Atomic<Int>(0)

    init(_ options: HubOptions, time: any TimeSource = SystemTime()) {
        userConnectionCountMax = options.userConnectionCountMax
        sessionCountMax = options.sessionCountMax
        connectRates = options.connectRate.map { RateTable($0, time: time) }
    }

    // MARK: Rate

    /// A user asks for a connection.
    ///
    /// - Returns: nil if it may have one, else how long it should wait.
    func ask(user: String?) -> Duration? {
        guard let connectRates, let user else { return nil }
        return connectRates.take(user)
    }

    // MARK: Users

    /// Counts a connection of the user's in, unless there are too many. Whoever is in leaves once.
    func enter(user: String?) -> Bool {
        guard userConnectionCountMax > 0, let user else { return true }
        return countByUser.withLock { counts in
            let count = counts[user, default: 0]
            if count >= userConnectionCountMax { return false }
            counts[user] = count + 1
            return true
        }
    }

    func leave(user: String?) {
        guard userConnectionCountMax > 0, let user else { return }
        countByUser.withLock { counts in
            let count = counts[user, default: 0]
            assert(count > 0, "left more often than entered")
            counts[user] = count > 1 ? count - 1 : nil
        }
    }

    // MARK: Sessions

    /// Counts in what may live without a socket, unless there is too much of it. It leaves once.
    func enterSession() -> Bool {
        if sessionCount.add(1, ordering: .relaxed).newValue <= sessionCountMax { return true }
        leaveSession()
        return false
    }

    func leaveSession() { sessionCount.subtract(1, ordering: .relaxed) }

    var hasRoomForSessions: Bool { sessionCount.load(ordering: .relaxed) < sessionCountMax }
}
