// ServerState: what the hubs of this process share: a log, gates that tests open, and who is connected.
//
// Thread: any; each behind its own lock.  Allocates: per line, gate and connection.

import Hub
import Synchronization

struct ServerState: Sendable {
    let log = EventLog()
    let gates = Gates()
    let connections = OpenConnections()
}

/// What has happened to connections and calls, in the order it did.
final class EventLog: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func note(_ line: String) { lines.withLock { $0.append(line) } }

    func clear() { lines.withLock { $0 = [] } }
}

/// Methods wait at a gate until somebody opens it, so that tests settle who is first.
final class Gates: Sendable {
    private struct State {
        var open: Set<String> = []
        /// Each ends the waiting of one method.
        var waiters: [String: [AsyncStream<Never>.Continuation]] = [:]
    }

    private let state = Mutex(State())

    /// Opens it for good.
    func open(_ name: String) {
        let waiters = state.withLock { state in
            state.open.insert(name)
            return state.waiters.removeValue(forKey: name) ?? []
        }
        for waiter in waiters { waiter.finish() }
    }

    /// Returns when it is open.
    func wait(at name: String) async throws(CancellationError) {
        let (opening, waiter) = AsyncStream.makeStream(of: Never.self)
        let isOpen = state.withLock { state in
            let isOpen = state.open.contains(name)
            if !isOpen { state.waiters[name, default: []].append(waiter) }
            return isOpen
        }
        if isOpen { return }
        // Ends when the gate opens or the task is cancelled.
        for await _ in opening {}
        if Task.isCancelled { throw CancellationError() }
    }
}

/// The connections of this pod, by their ids.
final class OpenConnections: Sendable {
    private let callers = Mutex<[String: HubCaller]>([:])

    subscript(id: String) -> HubCaller? { callers.withLock { $0[id] } }

    func insert(_ caller: HubCaller) { callers.withLock { $0[caller.connectionID] = caller } }

    func remove(_ id: String) { callers.withLock { $0[id] = nil } }
}
