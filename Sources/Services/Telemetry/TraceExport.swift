// TraceExport: a batch of spans as the body of an OTLP request.
//
//   ExportTraceServiceRequest ─ ResourceSpans ─┬─ Resource ─ KeyValue…
//                                              └─ ScopeSpans ─┬─ InstrumentationScope
//                                                             └─ Span…
//
// Thread: pure functions.  Allocates: the body.
// Source: opentelemetry-proto v1: collector/trace/v1, trace/v1, resource/v1, common/v1.

import Loop
import WS

/// Who the spans come from.
struct TelemetryResource: Equatable, Sendable {
    /// In the order they are written; no name twice.
    var attributes: [(name: String, value: String)]

    static func == (a: Self, b: Self) -> Bool {
        a.attributes.elementsEqual(b.attributes, by: ==)
    }
}

enum TraceExport {
    /// The instrumentation scope: who made the spans.
    private static let scope = "contoso"

    static func body(
        _ spans: some Collection<TraceSpan>, of resource: TelemetryResource, version: String
    ) -> [UInt8] {
        var request = ProtobufWriter(reservingCapacity: 512 + 512 * spans.count)
        request.message(1) { resourceSpans in
            resourceSpans.message(1) { message in
                for attribute in resource.attributes {
                    message.message(1) { pair in
                        pair.string(1, attribute.name)
                        pair.message(2) { $0.present(1, string: attribute.value) }
                    }
                }
            }
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.message(1) { message in
                    message.string(1, scope)
                    message.string(2, version)
                }
                for span in spans { scopeSpans.message(2) { write(span, to: &$0) } }
            }
        }
        return request.bytes
    }

    private static func write(_ span: TraceSpan, to message: inout ProtobufWriter) {
        message.words(1, span.context.traceID.high, span.context.traceID.low)
        message.words(2, span.context.spanID)
        if let parentID = span.parentID { message.words(4, parentID) }
        message.string(5, span.name)
        message.varint(6, UInt64(protocolNumber(of: span.kind)))
        message.fixed64(7, UInt64(span.start.microseconds) * 1000)
        message.fixed64(8, UInt64(span.end.microseconds) * 1000)
        for attribute in span.attributes {
            message.message(9) { write(attribute, to: &$0) }
        }
        if let error = span.error {
            message.message(15) { status in
                status.string(2, error)
                status.varint(3, 2)
            }
        }
        // The W3C flags of the context: sampled, or it would not be here.
        message.fixed32(16, 1)
    }

    private static func protocolNumber(of kind: TraceSpan.Kind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private static func write(_ attribute: SpanAttribute, to pair: inout ProtobufWriter) {
        pair.string(1, attribute.name.description)
        pair.message(2) { value in
            switch attribute.value {
            case .string(let text): value.present(1, string: text)
            case .boolean(let flag): value.present(2, varint: flag ? 1 : 0)
            case .integer(let number): value.present(3, varint: UInt64(bitPattern: number))
            }
        }
    }
}
