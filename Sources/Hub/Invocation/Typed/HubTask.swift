// HubTask: one call that runs in a task: begun, cancelled, and answered once.
//
//   start ─▶ Task: invoke ─┬▶ value ──────────────────────────────────▶ reply
//              ▲           └▶ items ─▶ output: send, taken, send, … ──▶ reply: the stream's end
//              │ cancel
//   CancelInvocation, end of the connection
//
// Whoever has cancelled a stream gets its end without an error, whatever the cancelling did to it.
//
// Thread: the cooperative pool; started on any.  Allocates: a task.
// Source: texts and order as .NET 8, DefaultHubDispatcher.

enum HubTask {
    static func start(
        _ call: HubCall, _ invoke: @escaping @Sendable (HubCall) async throws -> HubResult
    ) {
        call.reply.postpone()
        let task = begin { call.reply.answer(await outcome(of: call, invoke)) }
        call.cancellation.onCancel { task.cancel() }
    }

    /// Somebody waits for what the hub does: it goes before whatever else the program has in tasks.
    @discardableResult
    static func begin(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(priority: .userInitiated) { await body() }
    }

    private static func outcome(
        of call: HubCall, _ invoke: @Sendable (HubCall) async throws -> HubResult
    ) async -> HubOutcome {
        let result: HubResult
        do {
            result = try await invoke(call)
        } catch {
            let isEnd = call.output != nil && call.cancellation.isCancelled
            return isEnd ? .void : HubOutcome(error)
        }
        switch (result, call.output) {
        case (.void, nil): return .void
        case (.value(let value), nil): return .result(value)
        case (.items(let items), let output?): return await send(items, to: output, call)
        case (.items, nil): return .failure(detail: "The method does not stream.")
        case (.void, _?), (.value, _?): return .noStream
        }
    }

    private static func send(
        _ items: HubItems, to output: HubOutput, _ call: HubCall
    ) async -> HubOutcome {
        do {
            for try await item in items {
                let isWanted = await withCheckedContinuation { continuation in
                    output.send(item) { continuation.resume(returning: $0) }
                }
                if !isWanted { break }
            }
            return .void
        } catch {
            return call.cancellation.isCancelled ? .void : .brokeOff(HubOutcome(error))
        }
    }
}
