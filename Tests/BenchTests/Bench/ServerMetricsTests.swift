import Testing

@testable import bench

@Suite("ServerMetrics") struct ServerMetricsTests {
    private let metrics = ServerMetrics(
        parsing: """
            HTTP/1.1 200 OK\r
            Content-Type: text/plain\r
            \r
            # HELP a_total Something.
            a_total{reason="slow"} 3
            a_total{reason="gone"} 0
            b_bytes{loop="0"} 1.5e3
            b_bytes{loop="1"} 2
            plain 4
            """)

    @Test func `samples are found by their name and labels`() {
        #expect(metrics["plain"] == 4)
        #expect(metrics[#"b_bytes{loop="0"}"#] == 1500)
        #expect(metrics["nobody"] == 0)
    }

    @Test func `a family is its values by label`() {
        #expect(metrics.values(of: "a_total") == ["slow": 3, "gone": 0])
        #expect(metrics.values(of: "plain").isEmpty)
    }
}
