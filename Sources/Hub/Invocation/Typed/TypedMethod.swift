// TypedMethod: a Swift closure as a method of the hub.
//
//   SynchronousMethod    on the loop: decode ─▶ body ─▶ encode ─▶ answered when it returns
//   AsynchronousMethod   in a task:   decode ─▶ body ─▶ encode ─▶ answer
//   StreamingMethod      in a task:   decode ─▶ body ─▶ items, one by one ─▶ answer
//
// Thread: any; a synchronous body runs on its caller's loop and must not block.
// Allocates: what decoding does; a task per call that is not synchronous.

protocol TypedMethod: Sendable {
    /// Decodes, calls and encodes.
    /// - Throws: `BindingFailure` before the body has run; what the body throws.
    func invoke(_ call: HubCall) async throws -> HubResult

    /// Begins the call and sees to its answer.
    func start(_ call: HubCall) throws(BindingFailure)
}

extension TypedMethod {
    func start(_ call: HubCall) throws(BindingFailure) { HubTask.start(call, invoke) }

    /// What the hub calls. Made here, because a closure that captures a pack and throws a type is
    /// more than Swift 6.3 compiles.
    var entry: HubMethodBody {
        { (call) throws(BindingFailure) in try start(call) }
    }
}

struct SynchronousMethod<Value, each Parameter: Decodable & SendableMetatype>: TypedMethod {
    let body: @Sendable (HubCall, repeat each Parameter) throws -> Value
    let encode: @Sendable (Value) throws -> HubResult

    func start(_ call: HubCall) throws(BindingFailure) {
        let parameters = try HubParameters.decode(repeat (each Parameter).self, of: call)
        do {
            switch try encode(try body(call, repeat each parameters)) {
            case .value(let value): call.reply.result(value)
            case .void, .items: call.reply.void()
            }
        } catch {
            call.reply.answer(HubOutcome(error))
        }
    }

    func invoke(_ call: HubCall) async throws -> HubResult {
        let parameters = try HubParameters.decode(repeat (each Parameter).self, of: call)
        return try encode(try body(call, repeat each parameters))
    }
}

struct AsynchronousMethod<Value, each Parameter: Decodable & SendableMetatype>: TypedMethod {
    let body: @Sendable (HubCall, repeat each Parameter) async throws -> Value
    let encode: @Sendable (Value) throws -> HubResult

    func invoke(_ call: HubCall) async throws -> HubResult {
        let parameters = try HubParameters.decode(repeat (each Parameter).self, of: call)
        return try encode(try await body(call, repeat each parameters))
    }
}

struct StreamingMethod<Items, each Parameter>: TypedMethod
where
    Items: AsyncSequence & SendableMetatype, Items.Element: Encodable,
    repeat each Parameter: Decodable & SendableMetatype
{
    let body: @Sendable (HubCall, repeat each Parameter) async throws -> Items

    func invoke(_ call: HubCall) async throws -> HubResult {
        let parameters = try HubParameters.decode(repeat (each Parameter).self, of: call)
        return .items(HubItems(try await body(call, repeat each parameters)))
    }
}
