import Loop
import Testing
import WS

@testable import Services

@Suite struct TraceExportTests {
    /// Every field by hand: number and wire type, length, content.
    @Test func `one span is these bytes`() {
        let context = TraceContext(
            traceID: (0x0102_0304_0506_0708, 0x090A_0B0C_0D0E_0F10),
            spanID: 0x1112_1314_1516_1718, isSampled: true)
        var span = TraceSpan(
            "a", .consumer, context, parentID: 0x2122_2324_2526_2728,
            start: WallTime(microseconds: 1), attributes: [.integer("n", 300)])
        span.add(.string("s", "v" as String))
        let resource = TelemetryResource(attributes: [(name: "service.name", value: "x")])

        let attributeN: [UInt8] = [0x4A, 0x08, 0x0A, 0x01, 0x6E, 0x12, 0x03, 0x18, 0xAC, 0x02]
        let attributeS: [UInt8] = [0x4A, 0x08, 0x0A, 0x01, 0x73, 0x12, 0x03, 0x0A, 0x01, 0x76]
        let nanosecond1000: [UInt8] = [0xE8, 0x03, 0, 0, 0, 0, 0, 0]
        var spanBytes: [UInt8] = [0x0A, 0x10] + (0x01...0x10)
        spanBytes += [0x12, 0x08] + (0x11...0x18)
        spanBytes += [0x22, 0x08] + (0x21...0x28)
        spanBytes += [0x2A, 0x01, 0x61, 0x30, 0x05]
        spanBytes += [0x39] + nanosecond1000 + [0x41] + nanosecond1000
        spanBytes += attributeN + attributeS
        spanBytes += [0x85, 0x01, 0x01, 0x00, 0x00, 0x00]
        let scope: [UInt8] = [0x0A, 0x0C, 0x0A, 0x07] + "contoso".utf8 + [0x12, 0x01, 0x39]
        let scopeSpans = scope + [0x12, UInt8(spanBytes.count)] + spanBytes
        let pair: [UInt8] =
            [0x0A, 0x0C] + "service.name".utf8 + [0x12, 0x03, 0x0A, 0x01, 0x78]
        let resourceBytes: [UInt8] = [0x0A, UInt8(pair.count)] + pair
        // Below 128 a length is one byte, from there on two.
        let resourceSpans: [UInt8] =
            [0x0A, UInt8(resourceBytes.count)] + resourceBytes
            + [0x12, UInt8(scopeSpans.count)] + scopeSpans
        let expected: [UInt8] =
            [0x0A, UInt8(resourceSpans.count & 0x7F) | 0x80, 0x01] + resourceSpans

        #expect(TraceExport.body([span], of: resource, version: "9") == expected)
    }

    @Test func `an error is a status with its text`() {
        let recorder = SpanRecorder()
        let tracer = Tracer(sink: recorder)
        tracer.end(tracer.begin(.internal, under: nil, "a"), error: "why")
        let body = TraceExport.body(
            recorder.spans, of: TelemetryResource(attributes: []), version: "9")

        // Status: message (2) "why", code (3) 2, then the flags of the span.
        let status: [UInt8] = [0x7A, 0x07, 0x12, 0x03] + "why".utf8 + [0x18, 0x02]
        #expect(body.suffix(status.count + 6).starts(with: status))
    }
}
