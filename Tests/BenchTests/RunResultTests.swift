import Foundation
import Measure
import Testing

@Test func `a result survives being written and read`() throws {
    let result = RunResult(
        startedAt: "2026-01-01T00:00:00Z",
        host: .init(
            name: "h", kernel: "Linux 6", processor: "p", coreCount: 2, memoryByteCount: 1 << 30),
        commit: nil, flags: ["--scenario", "echo"], scenario: "echo",
        target: .init(kind: .floor, url: "ws://127.0.0.1:1/"), metrics: ["deliveries": 3],
        errors: ["refused": 1])
    let bytes = try JSONEncoder().encode(result)
    #expect(try JSONDecoder().decode(RunResult.self, from: bytes) == result)
}
