// SQLiteCheckpointer: moves the log into the database file while writers go on.
//
//   commit ─▶ 1000 pages more in the log ─▶ wake ─▶ PASSIVE checkpoint on a connection of its own
//
// SQLite would do it inside the commit that crosses the line: two waits for the disk with the write
// lock held, several times a second under load, which is what the slowest orders waited for. A log
// that grows all the same, because there is always a writer, is moved by a writer (SQLiteDatabase).
//
// Thread: one of its own; `wake` from any.  Allocates: its connection.
// Source: https://www.sqlite.org/wal.html#ckpt

import Loop

final class SQLiteCheckpointer: Sendable {
    private struct State: Sendable {
        var isDue = false
        var isStopped = false
    }

    private enum Task { case checkpoint, end }

    private let state = Monitor(State())
    /// Held by whoever checkpoints: SQLite refuses a second one at the same time.
    private let turn = Monitor(())
    private let thread: NativeThread

    init(path: String, busyTimeout: Duration) throws(StoreError) {
        let connection = try SQLiteConnection(
            path: path, readOnly: false, busyTimeout: busyTimeout)
        try connection.openLog()
        thread = NativeThread(name: "checkpoint") { [state, turn] in
            Self.run(on: connection, state, turn)
        }
    }

    /// Stops the thread; one checkpoint may be under way.
    deinit {
        state.update { $0.isStopped = true }
        thread.join()
    }

    func wake() { state.update { $0.isDue = true } }

    /// Moves what it can on the caller's connection, after a checkpoint that is under way. With the
    /// write lock held nothing comes into the log meanwhile.
    func checkpoint(on connection: SQLiteConnection) { Self.checkpoint(connection, turn) }

    private static func run(
        on connection: SQLiteConnection, _ state: Monitor<State>, _ turn: Monitor<Void>
    ) {
        while true {
            let task = state.wait { state -> Task? in
                if state.isStopped { return .end }
                if !state.isDue { return nil }
                state.isDue = false
                return .checkpoint
            }
            guard task == .checkpoint else { return }
            checkpoint(connection, turn)
        }
    }

    /// A failure loses nothing: the log has everything, and the next one tries again.
    private static func checkpoint(_ connection: SQLiteConnection, _ turn: Monitor<Void>) {
        turn.withLock { _ in
            do throws(StoreError) { try connection.run("PRAGMA wal_checkpoint(PASSIVE)") } catch {
                Log("database").warning("log not moved into the file", [.reason(error.reason)])
            }
        }
    }
}
