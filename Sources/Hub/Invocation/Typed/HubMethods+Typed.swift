// HubMethods+Typed: methods written as plain Swift closures.
//
//   hub.method("Add") { (call, a: Int, b: Int) in a + b }
//   hub.method("Say") { (call, text: String) in try await call.clients.others.send("Said", text) }
//   hub.method("Sum") { (call, numbers: HubUpload<Int>) in try await numbers.reduce(0, +) }
//   hub.stream("Count") { (call, to: Int) in AsyncStream { … } }
//
// A parameter is anything `Decodable`; `HubUpload` takes a stream of the caller's instead. A result is
// nothing or anything `Encodable`. Which of the closures runs where, one can see in it: with an
// `await` in a task, without one on the loop.
//
// Thread: while the hub is built.  Allocates: per method.

extension HubMethods {
    /// A method without a value that does not wait for anything. It runs on its caller's loop, which
    /// it must not block: write `async` in its head if it computes for long.
    public mutating func method<each Parameter: Decodable & SendableMetatype>(
        _ name: String,
        _ body: @escaping @Sendable (HubCall, repeat each Parameter) throws -> Void
    ) {
        add(
            name, HubParameters.count(repeat (each Parameter).self),
            SynchronousMethod(body: body) { _ in .void })
    }

    /// A method with a value that does not wait for anything; as above.
    public mutating func method<
        Value: Encodable & SendableMetatype, each Parameter: Decodable & SendableMetatype
    >(
        _ name: String,
        _ body: @escaping @Sendable (HubCall, repeat each Parameter) throws -> Value
    ) {
        add(
            name, HubParameters.count(repeat (each Parameter).self),
            SynchronousMethod(body: body) { try HubResult(encoding: $0) })
    }

    /// A method without a value that waits for something. It runs in a task, which is cancelled when
    /// the client cancels the call or goes.
    public mutating func method<each Parameter: Decodable & SendableMetatype>(
        _ name: String,
        _ body: @escaping @Sendable (HubCall, repeat each Parameter) async throws -> Void
    ) {
        add(
            name, HubParameters.count(repeat (each Parameter).self),
            AsynchronousMethod(body: body) { _ in .void })
    }

    /// A method with a value that waits for something; as above.
    public mutating func method<
        Value: Encodable & SendableMetatype, each Parameter: Decodable & SendableMetatype
    >(
        _ name: String,
        _ body: @escaping @Sendable (HubCall, repeat each Parameter) async throws -> Value
    ) {
        add(
            name, HubParameters.count(repeat (each Parameter).self),
            AsynchronousMethod(body: body) { try HubResult(encoding: $0) })
    }

    /// A method that answers with the items of a sequence, each when the client has room for it. Its
    /// task, which also takes the items from the sequence, is cancelled when the client cancels the
    /// stream or goes.
    public mutating func stream<
        Items: AsyncSequence & SendableMetatype, each Parameter: Decodable & SendableMetatype
    >(
        _ name: String,
        _ body: @escaping @Sendable (HubCall, repeat each Parameter) async throws -> Items
    ) where Items.Element: Encodable {
        add(
            name, HubParameters.count(repeat (each Parameter).self), isStreaming: true,
            StreamingMethod(body: body))
    }

    private mutating func add(
        _ name: String, _ count: (arguments: Int, uploads: Int), isStreaming: Bool = false,
        _ method: some TypedMethod
    ) {
        add(
            HubMethod(
                name: name, arity: count.arguments, uploadCount: count.uploads,
                isStreaming: isStreaming, body: method.entry, typed: method))
    }
}
