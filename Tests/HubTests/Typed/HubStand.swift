// HubStand: plays the connection for typed hubs: makes calls without a socket, and sees what comes.

import Loop
import Synchronization
import Testing

@testable import Hub

/// Values in the order they were given, from any thread; waited for without sleeping.
final class Noted<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiters: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var values: [Value] { state.withLock { $0.values } }

    func note(_ value: Value) {
        let ready = state.withLock { state in
            state.values.append(value)
            let ready = state.waiters.filter { $0.count <= state.values.count }
            state.waiters.removeAll { $0.count <= state.values.count }
            return ready
        }
        for (_, waiter) in ready { waiter.resume() }
    }

    /// The first `count` values, once there are as many.
    func first(_ count: Int) async -> [Value] {
        await withCheckedContinuation { waiter in
            let isThere = state.withLock { state in
                let isThere = state.values.count >= count
                if !isThere { state.waiters.append((count, waiter)) }
                return isThere
            }
            if isThere { waiter.resume() }
        }
        return Array(values.prefix(count))
    }
}

/// Records what would go to other pods, and says what it is told to.
final class ScriptedBackplane: Backplane {
    struct Sent: Equatable, Sendable {
        let target: HubTarget
        /// The message in JSON, without its end.
        let record: String
    }

    let sent = Noted<Sent>()
    let changes = Noted<GroupChange>()
    /// The client's answer to each question is the test's to give.
    let questions = Noted<(ClientQuestion, @Sendable (ClientAnswer) -> Void)>()
    private let error: BackplaneError?

    init(failingWith error: BackplaneError? = nil) { self.error = error }

    var isAvailable: Bool { error == nil }
    var isReachedThroughOthers: Bool { false }

    func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {}

    func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) {
        let record = invocation.record(for: .json) ?? []
        sent.note(
            Sent(target: target, record: String(decoding: record.dropLast(), as: UTF8.self)))
        accepted(error)
    }

    func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void) { ready() }

    func unsubscribe(from scopes: [BackplaneScope]) {}

    func apply(_ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void) {
        changes.note(change)
        done(error)
    }

    func ask(_ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer) -> Void) {
        questions.note((question, answered))
    }

    func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) {}
}

/// A hub, and one connection "me" of the user "ann".
struct HubStand: Sendable {
    let methods: HubMethods
    let backplane: ScriptedBackplane
    let server: HubServer
    let caller: HubCaller
    /// What the caller was sent, in JSON.
    let received = Noted<String>()
    /// "suspended" and "resumed".
    let slot = Noted<String>()
    private let details: Bool

    init(
        details: Bool = false, backplane: ScriptedBackplane = ScriptedBackplane(),
        _ build: (inout HubMethods) -> Void
    ) {
        var hub = HubMethods()
        build(&hub)
        self.backplane = backplane
        self.details = details
        server = HubServer(methods: hub, backplane: backplane)
        methods = server.methods
        caller = HubCaller(
            connectionID: "me", userID: "ann", connectedAtWall: WallTime(microseconds: 0),
            request: nil, hubProtocol: .json, server: server
        ) { [received] request in
            switch request {
            case .send(let invocation, let taken):
                taken()
                let record = invocation.record(for: .json) ?? []
                received.note(String(decoding: record.dropLast(), as: UTF8.self))
            case .abort: received.note("aborted")
            case .join, .leave, .whenEnded: request.abandon()
            }
        }
    }

    /// Makes a call and waits for its outcome.
    func call(
        _ name: String, _ arguments: String..., uploads: [HubUploadBuffer] = [],
        output: HubOutput? = nil, cancellation: HubCancellation = HubCancellation()
    ) async throws -> HubOutcome {
        let method = try #require(methods.find(name))
        #expect(method.arity == arguments.count)
        #expect(method.uploadCount == uploads.count)
        #expect(method.isStreaming == (output != nil))
        let answer = LateValue<HubOutcome>()
        let reply = HubReply { answer.give($0) }
        try method.body(
            HubCall(
                caller: caller, target: name, arguments: HubArguments(arguments.map(json)),
                uploads: uploads, output: output, cancellation: cancellation, reply: reply,
                suspendSlot: { [slot] in slot.note("suspended") },
                resumeSlot: { [slot] in slot.note("resumed") }))
        if let outcome = reply.methodReturned() { return outcome }
        return try #require(await answer.value())
    }

    /// What the client of a call with this outcome is told: the result in JSON or the error's text.
    func told(_ outcome: HubOutcome) -> String {
        let dispatcher = HubDispatcher(methods: methods, enableDetailedErrors: details)
        switch dispatcher.completion(id: "1", target: "M", outcome: outcome).outcome {
        case .result(let value): return text(of: value)
        case .error(let text): return text
        case .void: return ""
        }
    }
}

/// As it would be written in JSON.
func text(of value: RawValue) -> String {
    let item = HubMessage.streamItem(headers: [], invocationID: "1", item: value)
    let record = (try? HubProtocol.json.encode(item)) ?? []
    let head = #"{"type":2,"invocationId":"1","item":"#.utf8.count
    return String(decoding: record.dropFirst(head).dropLast(2), as: UTF8.self)
}

/// A value whose own encoding fails.
struct Unwritable: Encodable {
    struct Failure: Error {}

    func encode(to encoder: any Encoder) throws { throw Failure() }
}

/// An upload that has all its items, and its end if it has one.
func upload(_ items: String..., ending: HubUploadBuffer.Event? = .finished) -> HubUploadBuffer {
    let buffer = HubUploadBuffer(capacity: 10)
    for item in items { buffer.push(json(item)) }
    if let ending { buffer.end(ending) }
    return buffer
}

/// Items as they come, each taken at once.
func taking(_ items: Noted<String>) -> HubOutput {
    HubOutput { item, taken in
        items.note(text(of: item))
        taken(true)
    }
}
