// HubResult: what a method comes to, before it is sent; filters see it and may put another in its
// place.
//
//   nothing ─▶ .void       a value ─▶ .value       a sequence ─▶ .items, one by one as there is room
//
// Thread: any, one at a time.  Allocates: closures around a sequence.

public enum HubResult {
    /// No value; the caller gets null.
    case void
    case value(RawValue)
    /// Of a streaming method that has begun. Nothing is sent before the filters have returned.
    case items(HubItems)

    public init(encoding value: some Encodable) throws {
        self = .value(try RawValue(encoding: value))
    }

    public init<Items: AsyncSequence>(streaming items: Items) where Items.Element: Encodable {
        self = .items(HubItems(items))
    }

    /// The value as one of the type; nil if there is none or it is of another type.
    public func value<Value: Decodable>(as type: Value.Type) -> Value? {
        guard case .value(let raw) = self else { return nil }
        // Asking for a type is how a filter finds out whether it is one.
        return try? raw.decode(as: type)
    }
}

/// The items of a stream, encoded as they are asked for.
public struct HubItems: AsyncSequence {
    public typealias Element = RawValue

    private let makeNext: () -> () async throws -> RawValue?

    public init<Items: AsyncSequence>(_ items: Items) where Items.Element: Encodable {
        makeNext = {
            var iterator = items.makeAsyncIterator()
            return {
                try await iterator.next().map { item in try RawValue(encoding: item) }
            }
        }
    }

    /// No items.
    init() { makeNext = { { nil } } }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let advance: () async throws -> RawValue?

        public mutating func next() async throws -> RawValue? { try await advance() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(advance: makeNext()) }
}
