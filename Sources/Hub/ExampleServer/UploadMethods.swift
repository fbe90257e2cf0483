// UploadMethods: streams of items from the caller.
//
// Thread: tasks.

import Hub

extension HubMethods {
    mutating func addUploadMethods(_ state: ServerState) {
        method("UploadConcat") { (call, parts: HubUpload<String>) in
            try await parts.reduce("", +)
        }
        method("UploadConcatThree") {
            (call, a: HubUpload<String>, b: HubUpload<String>, c: HubUpload<String>) in
            let (first, second) = (try await a.reduce("", +), try await b.reduce("", +))
            return "\(first)|\(second)|\(try await c.reduce("", +))"
        }
        method("UploadSum") { (call, start: Int, numbers: HubUpload<Int>) in
            try await numbers.reduce(start, &+)
        }
        method("UploadCatch") { (call, numbers: HubUpload<Int>) in
            do {
                for try await _ in numbers {}
                return "finished"
            } catch {
                return "\(error)"
            }
        }
        method("UploadGated") { (call, gate: String, parts: HubUpload<String>) in
            try await state.gates.wait(at: gate)
            return try await parts.reduce("", +)
        }
        method("UploadIgnore") { (call, parts: HubUpload<String>) in 7 }
        stream("EchoStream") { (call, items: HubUpload<RawValue>) in items }
    }
}
