import Testing
import WS

@testable import bench

@Suite struct ServerFrameTests {
    private func scan(_ bytes: [UInt8], max: Int = 1 << 20) -> ServerFrame.Scan {
        bytes.withUnsafeBytes { ServerFrame.scan($0, payloadByteCountMax: max) }
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536])
    func `every prefix is incomplete, the whole frame is found, and what follows is left`(
        payloadByteCount: Int
    ) {
        let payload = [UInt8](repeating: 7, count: payloadByteCount)
        let frame = FrameWriter.makeFrame(payload, as: .text)
        let prefixes =
            payloadByteCount < 200 ? Array(0..<frame.count) : [0, 1, 2, 3, 9, 10, frame.count - 1]

        for count in prefixes { #expect(scan(Array(frame.prefix(count))) == .incomplete) }
        for rest in [[], frame] {
            guard case .complete(let found) = scan(frame + rest) else {
                Issue.record("the frame was not found")
                continue
            }
            #expect(found.opcode == .text)
            #expect(found.isFinal)
            #expect(found.payloadByteCount == payloadByteCount)
            #expect(found.byteCount == frame.count)
        }
    }

    @Test(
        arguments: [
            ([0xC1, 0x00], ServerFrame.Violation.reservedBits), ([0x83, 0x00], .opcode),
            ([0x81, 0x80], .masked),
            ([0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], .length),
        ] as [([UInt8], ServerFrame.Violation)])
    func `what no server may send is refused`(bytes: [UInt8], violation: ServerFrame.Violation) {
        #expect(scan(bytes) == .violation(violation))
    }

    @Test func `the largest payload is taken, one byte more is refused before it comes`() {
        let fits = FrameWriter.makeFrame([UInt8](repeating: 0, count: 200), as: .binary)

        #expect(scan(Array(fits.prefix(4)), max: 200) == .incomplete)
        #expect(scan(Array(fits.prefix(4)), max: 199) == .violation(.tooLong))
    }

    @Test(arguments: [0, 5, 126, 70_000])
    func `a client's frame is masked, and unmasked it is the payload`(byteCount: Int) {
        let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }
        let frame = ClientFrame.make(.binary, payload)
        let headerByteCount = frame.count - byteCount
        let key = frame[headerByteCount - 4..<headerByteCount]
        let unmasked = frame[headerByteCount...].enumerated().map {
            $1 ^ key[key.startIndex + ($0 & 3)]
        }

        #expect(frame[1] & 0x80 != 0)
        #expect(unmasked.elementsEqual(payload))
    }
}
