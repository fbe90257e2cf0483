// LifetimeMethods: how connections and calls begin and end, and gates between.
//
//   connected ID     aborted-token ID     disconnected ID -     disconnected ID ERROR
//   cancelled ID METHOD
//
// Thread: tasks.

import Hub
import WS

extension HubMethods {
    mutating func addLifetimeMethods(_ state: ServerState) {
        onConnected { connection in state.connected(connection) }
        onDisconnected { connection, error in
            state.connections.remove(connection.connectionID)
            let text = error.map { "\($0)" } ?? "-"
            state.log.note("disconnected \(connection.connectionID) \(text)")
        }
        method("Log") { call in state.log.all }
        method("ClearLog") { call in state.log.clear() }
        method("Gate") { (call, name: String) in
            try await state.gates.wait(at: name)
            return name
        }
        method("OpenGate") { (call, name: String) in state.gates.open(name) }
        // Without `async` the next call could be read before the connection hears of it.
        method("AbortMe") { call async in call.caller.abort() }
        method("Abort") { (call, id: String) in state.connections[id]?.abort() }
        method("CancelProbe") { (call, gate: String) in
            do {
                try await state.gates.wait(at: gate)
            } catch {
                state.log.note("cancelled \(call.caller.connectionID) CancelProbe")
                throw error
            }
        }
    }

    mutating func refuseEverybody() {
        onConnected { _ in throw InvalidOperationException("refused") }
    }

    mutating func abortEverybody(_ state: ServerState) {
        onConnected { connection in
            state.connected(connection)
            connection.abort()
        }
    }

    mutating func greetEverybody(_ state: ServerState) {
        onConnected { connection in
            state.connected(connection)
            try await connection.clients.caller.send("Greeting", "hello")
            if connection.caller.request?.query("wait") == "1" {
                try await state.gates.wait(at: "greeting")
            }
        }
    }
}

extension ServerState {
    fileprivate func connected(_ connection: HubLifetime) {
        let id = connection.connectionID
        connections.insert(connection.caller)
        log.note("connected \(id)")
        connection.caller.whenEnded { [log] in log.note("aborted-token \(id)") }
    }
}
