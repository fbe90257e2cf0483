// ResultFixture: results as bench writes them, always the same for the same seed.
//
// Thread: pure functions.  Allocates: the result.

@testable import Measure

enum ResultFixture {
    /// Values around `median`, with a long tail as latencies have it.
    static func histogram(_ seed: Int, count: Int = 2000, median: Double = 1.2e6) -> Histogram {
        let histogram = Histogram()
        var state = UInt64(seed)
        for _ in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let uniform = Double(state >> 11) / Double(1 << 53)
            histogram.record(UInt64(median * (0.35 + 0.3 * uniform) / (1.001 - uniform)))
        }
        return histogram
    }

    static func result(_ seed: Int = 1, median: Double = 1.2e6) -> RunResult {
        let seconds = (0..<5).map { second in
            RunResult.Second(
                at: second, errorCount: second == 3 ? 2 : 0,
                histogram(seed + 100 * second, median: median))
        }
        return RunResult(
            startedAt: "2026-11-21T09:05:00Z",
            host: .init(
                name: "h", kernel: "Linux 6.18.0", processor: "a processor", coreCount: 2,
                memoryByteCount: 24 << 30),
            commit: "75f638b0123456789", flags: ["--scenario", "fanout"], scenario: "fanout",
            target: .init(kind: .pods, url: "wss://127.0.0.1:7001/hub"),
            settings: ["connections": 5000, "bytes": 200],
            metrics: [
                "deliveries_per_second": 113_204 * 1.2e6 / median,
                "server_cpu_us_per_delivery": 9.31 * median / 1.2e6 + Double(seed) / 100,
            ],
            latencies: [
                "fanout": .init(histogram(seed, median: median)),
                "connect": .init(histogram(seed + 7)), "tcp": .init(histogram(seed + 8)),
            ],
            seconds: seconds, errors: ["connection refused": 2],
            servers: [
                .init(
                    name: "pod-1", processorSeconds: 12.345, idleByteCount: 14 << 20,
                    loadedByteCount: 91 << 20)
            ])
    }
}
