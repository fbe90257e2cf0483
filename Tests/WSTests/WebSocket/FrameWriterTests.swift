import Testing

@testable import WS

/// RFC 6455 §5.2.
@Suite struct FrameWriterTests {
    @Test(
        arguments: [
            (0, [0x81, 0x00]), (125, [0x81, 0x7D]), (126, [0x81, 0x7E, 0x00, 0x7E]),
            (65_535, [0x81, 0x7E, 0xFF, 0xFF]), (65_536, [0x81, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] as [(Int, [UInt8])])
    func `the shortest length form is written, and no mask`(byteCount: Int, header: [UInt8]) {
        let payload = [UInt8](repeating: 0x61, count: byteCount)

        #expect(FrameWriter.makeFrame(payload, as: .text) == header + payload)
    }

    @Test func `each kind has its opcode`() {
        #expect(FrameWriter.makeFrame([], as: .binary) == [0x82, 0x00])
        let pong = [UInt8]("p".utf8).withUnsafeBytes { FrameWriter.makeFrame(.pong, $0) }
        #expect(pong == [0x8A, 0x01, 0x70])
    }
}
