import Testing

@testable import WS

/// RFC 6455 §5.3.
@Suite struct MaskTests {
    private static let key: UInt32 = 0xD4C3_B2A1
    private static let keyBytes: [UInt8] = [0xA1, 0xB2, 0xC3, 0xD4]

    @Test(arguments: 0...70)
    func `every length is XORed byte by byte with the key, at every alignment`(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        let expected = payload.enumerated().map { $1 ^ Self.keyBytes[$0 % 4] }
        for alignment in 0..<8 {
            var bytes = [UInt8](repeating: 0xEE, count: alignment) + payload + [0xEE]
            bytes.withUnsafeMutableBytes {
                Mask.apply(Self.key, to: .init(rebasing: $0[alignment..<(alignment + count)]))
            }
            #expect(Array(bytes[alignment...].dropLast()) == expected)
            #expect(bytes.last == 0xEE)
        }
    }

    @Test(arguments: 0...20)
    func `a rotated key goes on where the piece before stopped`(split: Int) {
        let payload = [UInt8](0..<20)
        var whole = payload
        var pieces = payload

        whole.withUnsafeMutableBytes { Mask.apply(Self.key, to: $0) }
        pieces.withUnsafeMutableBytes {
            Mask.apply(Self.key, to: .init(rebasing: $0[..<split]))
            Mask.apply(Mask.rotated(Self.key, by: split), to: .init(rebasing: $0[split...]))
        }

        #expect(pieces == whole)
    }

    @Test func `nothing is masked without a payload`() {
        Mask.apply(Self.key, to: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        #expect(Mask.rotated(Self.key, by: 4) == Self.key)
    }
}
