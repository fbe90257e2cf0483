// ResultMethods: questions to clients, whose answers are methods' results.
//
// Thread: tasks.

import Hub

extension HubMethods {
    mutating func addResultMethods(_ state: ServerState) {
        method("Ask") { (call, id: String, name: String, x: RawValue) -> RawValue in
            try await call.clients.client(id).invoke(name, x)
        }
        method("AskMe") { (call, name: String, x: RawValue) -> RawValue in
            try await call.clients.caller.invoke(name, x)
        }
        method("AskMeInt") { (call, name: String) -> Int in
            try await call.clients.caller.invoke(name)
        }
        method("AskMeTwice") { (call, name: String) in
            async let first = call.clients.caller.invoke(name, as: RawValue.self)
            async let second = call.clients.caller.invoke(name, as: RawValue.self)
            return [try await first, try await second]
        }
        method("AskCancelled") { (call, name: String, gate: String) -> RawValue in
            let asking = Task {
                try await call.clients.caller.invoke(name, as: RawValue.self)
            }
            let cancelling = Task {
                try await state.gates.wait(at: gate)
                asking.cancel()
            }
            defer { cancelling.cancel() }
            return try await asking.value
        }
    }
}
