// TraceSpan: one piece of work in a trace, from its begin to its end.
//
//   POST /api/orders (server) ─┬─ commit (client)
//                              └─ send order.accepted (producer) ── process order.accepted (consumer) …
//
// Thread: a value; one thread at a time works on it.  Allocates: its attributes.
// Source: OpenTelemetry trace API, "Span"; opentelemetry-proto trace.proto.

import Loop

public struct SpanAttribute: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case string(String), integer(Int64), boolean(Bool)
    }

    /// By the semantic conventions where they have a name for it.
    public let name: StaticString
    public let value: Value

    public static func string(_ name: StaticString, _ value: String) -> Self {
        Self(name: name, value: .string(value))
    }

    public static func string(_ name: StaticString, _ value: StaticString) -> Self {
        Self(name: name, value: .string(value.description))
    }

    public static func integer(_ name: StaticString, _ value: some BinaryInteger) -> Self {
        Self(name: name, value: .integer(Int64(clamping: value)))
    }

    /// The id that follows one order through all services.
    public static func correlation(_ id: String) -> Self { .string("correlation_id", id) }

    public static func == (a: Self, b: Self) -> Bool {
        a.name.description == b.name.description && a.value == b.value
    }
}

public struct TraceSpan: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// Work within this process.
        case `internal`
        /// A request that is answered, and one that is made.
        case server, client
        /// A message that is sent, and the work on one.
        case producer, consumer
    }

    public let name: String
    public let kind: Kind
    public let context: TraceContext
    /// Nil: the first one of its trace.
    public let parentID: UInt64?
    /// By the wall clock, in microseconds.
    public let start: WallTime
    public internal(set) var end: WallTime
    public private(set) var attributes: [SpanAttribute]
    /// Why the work failed; nil if it did not. Empty where an attribute says it all.
    public internal(set) var error: String?

    public init(
        _ name: String, _ kind: Kind, _ context: TraceContext, parentID: UInt64?, start: WallTime,
        attributes: [SpanAttribute] = []
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentID = parentID
        self.start = start
        end = start
        self.attributes = attributes
    }

    public mutating func add(_ attribute: SpanAttribute) { attributes.append(attribute) }
}

/// Who wants spans once they have ended.
public protocol SpanSink: Sendable {
    /// Called on the thread that ended the span; returns at once.
    func take(_ span: TraceSpan)
}
