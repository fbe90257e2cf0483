// SQLiteLog: the write-ahead log on its way to the disk, beside the writers.
//
//   thread A   commit 7 ──┐                                 ┌──▶ 7 is safe
//   thread B     commit 8 ┴─▶ A syncs the log up to 8 ──────┴──▶ 8 is safe
//   thread C              commit 9 … goes on meanwhile ─▶ waits for the next sync
//
// A commit stands in the log before it is synced, and a sync takes the whole log. So the write lock is
// free while the disk works, and whoever waits shares one sync with everybody who came before it
// began (docs/DECISIONS/0017).
//
// Thread: any worker thread; calls block.  Allocates: never.  Source: man 2 fdatasync.

import Glibc
import Loop

final class SQLiteLog: Sendable {
    private struct State: Sendable {
        /// Writes that have ended.
        var committed: UInt64 = 0
        /// The last write that somebody waits for.
        var owed: UInt64 = 0
        /// The last write that is safe.
        var synced: UInt64 = 0
        var isSyncing = false
        /// The errno of the first sync that has failed.
        var failure: Int32?
    }

    private enum Turn {
        case isSafe
        /// Ours is the next sync; it covers commits up to this one.
        case sync(UInt64)
        case hasFailed(Int32)
    }

    private let path: String
    private let descriptor: Int32
    private let state = Monitor(State())
    /// Up until a sync fails, then down for good.
    let disk = LinkStatus(name: "disk")

    /// - Parameter database: has its log already. SQLite keeps that file until the last connection
    ///   closes, so the descriptor stays good. It holds no lock of SQLite's: those are on other files.
    init(of database: String) throws(StoreError) {
        path = database + "-wal"
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = SystemError(code: errno, call: "open").description
            throw .unavailable("the log '\(path)' cannot be opened: \(reason)")
        }
        disk.wentUp()
    }

    deinit { close(descriptor) }

    /// A write begins; called with the write lock held.
    ///
    /// - Parameter isOwed: `waitUntilSynced` will be called for it. Noted before the commit, so that
    ///   nobody reads it and does not know.
    /// - Returns: its commit's number.
    func begin(isOwed: Bool) -> UInt64 {
        state.withLock { state in
            if isOwed { state.owed = state.committed + 1 }
            return state.committed + 1
        }
    }

    /// The write begun last stands in the log, or has been rolled back.
    func end() { state.update { $0.committed += 1 } }

    /// Returns when all commits are safe that are to be: what has been read in the database may leave
    /// the process then.
    func waitUntilNothingIsOwed() throws(StoreError) {
        try waitUntilSynced(state.withLock { $0.owed })
    }

    /// Returns when the commit, and so every commit before it, survives a loss of power.
    ///
    /// Once a sync has failed no commit is ever safe again: the kernel tells of pages that it could not
    /// write once, then takes them for written, so that a later sync would succeed above a hole. A new
    /// process reads what the log really has.
    func waitUntilSynced(_ commit: UInt64) throws(StoreError) {
        while true {
            let turn = state.wait { state -> Turn? in
                if state.synced >= commit { return .isSafe }
                if let failure = state.failure { return .hasFailed(failure) }
                if state.isSyncing || state.committed < commit { return nil }
                state.isSyncing = true
                return .sync(state.committed)
            }
            switch turn {
            case .isSafe, nil: return
            case .hasFailed(let code):
                let reason = SystemError(code: code, call: "fdatasync").description
                throw .unavailable(
                    "the log '\(path)' could not be written to the disk (\(reason)); "
                        + "see to the disk, then start the server again")
            case .sync(let reached):
                let code = sync()
                if code != 0 { disk.wentDown(at: SystemTime().monotonicNow) }
                state.update { state in
                    state.isSyncing = false
                    if code == 0 {
                        state.synced = max(state.synced, reached)
                    } else {
                        state.failure = code
                    }
                }
            }
        }
    }

    /// 0 or the errno.
    private func sync() -> Int32 {
        while fdatasync(descriptor) != 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }
}
