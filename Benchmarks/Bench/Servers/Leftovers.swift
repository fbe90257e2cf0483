// Leftovers: everything this run has started or made and not yet seen the end of.
//
//   Ctrl-C in the middle of a run ─▶ clearAll ─▶ SIGTERM ─▶ (grace) ─▶ SIGKILL; directories removed
//
// The one global of bench: whatever way it ends, nothing of it may stay behind.
//
// Thread: any; one lock.  Allocates: per entry.

import Glibc
import Synchronization

enum Leftovers {
    private struct Entries {
        var processes: Set<Int32> = []
        var directories: Set<String> = []
    }

    private static let entries = Mutex(Entries())

    static func add(process: Int32) { entries.withLock { _ = $0.processes.insert(process) } }

    /// Called before its end is reaped: from then on the number may be another process'.
    static func remove(process: Int32) { entries.withLock { _ = $0.processes.remove(process) } }

    static func add(directory: String) { entries.withLock { _ = $0.directories.insert(directory) } }

    static func remove(directory: String) {
        entries.withLock { _ = $0.directories.remove(directory) }
    }

    /// For the end of bench only: others may still wait for these.
    static func clearAll(graceMilliseconds: Int = 3000) {
        let all = entries.withLock { $0 }
        for process in all.processes { kill(process, SIGTERM) }
        var left = all.processes
        for _ in 0..<graceMilliseconds / 10 where !left.isEmpty {
            left = left.filter { waitpid($0, nil, WNOHANG) == 0 }
            usleep(10_000)
        }
        for process in left { kill(process, SIGKILL) }
        for directory in all.directories { ScratchDirectory.remove(directory) }
    }
}
