import Testing

@testable import Services

/// Prometheus exposition format 0.0.4; OpenMetrics 1.0.
@Suite("MetricsText") struct MetricsTextTests {
    private func text(
        _ format: MetricsText.Format, _ write: (inout MetricsText) -> Void
    ) -> String {
        var text = MetricsText(format)
        write(&text)
        return String(decoding: text.end(), as: UTF8.self)
    }

    @Test func `a counter has its help, its type and the suffix of counters`() {
        #expect(
            text(.prometheus) { $0.counter("contoso_orders_accepted", "Orders.", 42) } == """
                # HELP contoso_orders_accepted_total Orders.
                # TYPE contoso_orders_accepted_total counter
                contoso_orders_accepted_total 42

                """)
    }

    @Test func `OpenMetrics names the family without the suffix, its unit, and marks the end`() {
        #expect(
            text(.openMetrics) { $0.counter("contoso_sent_bytes", "Bytes.", 7) } == """
                # HELP contoso_sent_bytes Bytes.
                # TYPE contoso_sent_bytes counter
                # UNIT contoso_sent_bytes bytes
                contoso_sent_bytes_total 7
                # EOF

                """)
    }

    @Test func `a gauge has no suffix and may fall below zero`() {
        #expect(
            text(.prometheus) { $0.gauge("contoso_ready", "Ready.", -1) } == """
                # HELP contoso_ready Ready.
                # TYPE contoso_ready gauge
                contoso_ready -1

                """)
    }

    @Test func `seconds keep their fraction`() {
        let written = text(.openMetrics) {
            $0.decimal(.counter, "process_cpu_seconds", "Time.", 1.25)
        }
        #expect(written.contains("\n# UNIT process_cpu_seconds seconds\n"))
        #expect(written.contains("\nprocess_cpu_seconds_total 1.25\n"))
    }

    @Test func `a family has one line per label, whose value is escaped`() {
        let written = text(.prometheus) {
            $0.family(
                .gauge, "contoso_queue_messages", "Messages.", by: "queue",
                [.init("a", 1), .init("b\"\\\nc", 2)])
        }
        #expect(
            written.hasSuffix(
                """
                contoso_queue_messages{queue="a"} 1
                contoso_queue_messages{queue="b\\"\\\\\\nc"} 2

                """))
    }

    @Test func `a family without a line does not appear`() {
        #expect(text(.prometheus) { $0.family(.gauge, "a", "A.", by: "b", []) } == "")
    }

    @Test func `a number beyond Int is cut and does not trap`() {
        let written = text(.prometheus) { $0.counter("a", "A.", UInt64.max) }
        #expect(written.hasSuffix("a_total \(Int.max)\n"))
    }

    @Test(arguments: [
        (nil, "text/plain; version=0.0.4; charset=utf-8"), ("*/*", "text/plain; version=0.0.4"),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        ),
    ])
    func `the form is the one asked for`(accept: String?, contentType: String) {
        let written = MetricsText.Format(accept: accept).contentType.description
        #expect(written.hasPrefix(contentType))
    }
}
