// SpanBatch: the spans of work that is done on many things at once, one span for each.
//
// A commit or a publish of a batch belongs to as many traces as it has members; each trace gets a span
// of its own with the same begin and end.
//
// Thread: a value of one thread.  Allocates: only when tracing is on.

import Loop

public struct SpanBatch {
    /// Empty when tracing is off.
    private var spans: [TraceSpan?]

    /// - Parameter begin: begins the span of one element.
    public init<Element>(
        _ tracer: Tracer, _ elements: some Collection<Element>, begin: (Element) -> TraceSpan?
    ) {
        spans = tracer.isOn ? elements.map(begin) : []
    }

    /// The span of an element by its position; nil if it is not recorded.
    public subscript(position: Int) -> TraceSpan? { spans.isEmpty ? nil : spans[position] }

    public mutating func add(_ attribute: SpanAttribute, to position: Int) {
        if !spans.isEmpty { spans[position]?.add(attribute) }
    }

    /// What to hand on for an element: its span, else what came with it.
    public func traceparent(_ position: Int, else received: String?) -> String? {
        self[position]?.context.text ?? received
    }

    /// Ends all alike.
    public func end(_ tracer: Tracer, error: String? = nil) {
        for span in spans { tracer.end(span, error: error) }
    }

    /// Ends each as it went.
    public func end(_ tracer: Tracer, errors: (Int) -> String?) {
        for position in spans.indices { tracer.end(spans[position], error: errors(position)) }
    }
}
