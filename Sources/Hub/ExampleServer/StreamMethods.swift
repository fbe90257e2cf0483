// StreamMethods: streams of items to the caller, each made when the client has room for it.
//
// Thread: tasks.

import Hub

extension HubMethods {
    mutating func addStreamMethods(_ state: ServerState) {
        stream("Counter") { (call, count: Int) in Numbers(below: count) }
        stream("CounterGated") { (call, count: Int, gate: String) in
            Numbers(below: count) { number in
                if number == 1 { try await state.gates.wait(at: gate) }
            }
        }
        stream("Endless") { (call, id: String) in
            call.cancellation.onCancel { state.log.note("cancelled \(id) Endless") }
            return Numbers(below: .max) { _ in }
        }
        addStreamErrors()
    }

    private mutating func addStreamErrors() {
        stream("StreamThrowEarly") { call -> AsyncStream<Int> in
            throw InvalidOperationException("early")
        }
        stream("StreamThrowMid") { (call, text: String) in
            Numbers(below: 3) { number in
                if number == 2 { throw InvalidOperationException(text) }
            }
        }
        stream("StreamThrowHub") { (call, text: String) in
            Numbers(below: 3) { number in if number == 2 { throw HubException(text) } }
        }
    }
}

/// 0, 1, 2, … , each when it is asked for.
private struct Numbers: AsyncSequence, AsyncIteratorProtocol {
    let count: Int
    /// Waited for in front of each.
    let before: @Sendable (Int) async throws -> Void
    private var number = 0

    init(
        below count: Int, before: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) {
        self.count = count
        self.before = before
    }

    func makeAsyncIterator() -> Numbers { self }

    mutating func next() async throws -> Int? {
        guard number < count else { return nil }
        try await before(number)
        defer { number += 1 }
        return number
    }
}
