import Measure
import Testing

@testable import bench

@Suite("StampLatencies") struct StampLatenciesTests {
    static let record = BroadcastRecord(byteCount: 200, target: "Broadcast")

    static func stream(_ dues: [UInt64]) -> [UInt8] {
        dues.enumerated().flatMap { index, due in
            Array("*3\r\n$7\r\nmessage\r\n".utf8)
                + record.bytes(Stamp(dueNanoseconds: due, sequence: UInt32(index)))
        }
    }

    @Test func `every stamp is found once, wherever the stream is cut`() {
        let dues: [UInt64] = [5, 8_123_456_789, .max / 2]
        let bytes = Self.stream(dues)
        for cut in 0...bytes.count {
            var latencies = StampLatencies()
            latencies.read(Array(bytes[..<cut]), at: 1)
            latencies.read(Array(bytes[cut...]), at: 2)
            #expect(latencies.stamps.map(\.due) == dues)
        }
        var single = StampLatencies()
        for byte in bytes { single.read([byte], at: 3) }
        #expect(single.stamps.map(\.due) == dues)
    }

    @Test func `what was due before the start does not count`() {
        var latencies = StampLatencies()
        latencies.read(Self.stream([10, 20, 30]), at: 35)

        let histogram = latencies.histogram(from: 20)

        #expect(histogram.count == 2)
        #expect(histogram.minimum == 5)
        #expect(histogram.maximum == 15)
    }

    @Test func `a mark without a number behind it is none`() {
        var latencies = StampLatencies()
        latencies.read(
            Array(#""arguments":["no stamp at all, but long enough to be sure"]"#.utf8), at: 1)
        #expect(latencies.stamps.isEmpty)
    }
}
