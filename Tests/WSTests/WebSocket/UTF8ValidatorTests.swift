import Testing

@testable import WS

/// The Unicode Standard, table 3-7.
@Suite struct UTF8ValidatorTests {
    /// Bytes, and after how many of them it is certain that they are not UTF-8 (nil: they are).
    static let vectors: [([UInt8], Int?)] = [
        ([], nil),
        (Array("plain ASCII that is longer than one word".utf8), nil),
        (Array("κόσμε".utf8), nil),
        (Array("日本語 und 😀 zwischen ASCII".utf8), nil),
        ([0x00], nil), ([0x7F], nil),
        ([0xC2, 0x80], nil), ([0xDF, 0xBF], nil),
        ([0xE0, 0xA0, 0x80], nil), ([0xEF, 0xBF, 0xBF], nil),
        ([0xED, 0x9F, 0xBF], nil), ([0xEE, 0x80, 0x80], nil),
        ([0xF0, 0x90, 0x80, 0x80], nil), ([0xF4, 0x8F, 0xBF, 0xBF], nil),
        ([0x80], 1), ([0xBF], 1), ([0xFE], 1), ([0xFF], 1),
        ([0xC0, 0x80], 1), ([0xC1, 0xBF], 1),  // overlong ASCII
        ([0xE0, 0x9F, 0xBF], 2), ([0xF0, 0x8F, 0xBF, 0xBF], 2),  // overlong
        ([0xED, 0xA0, 0x80], 2), ([0xED, 0xBF, 0xBF], 2),  // surrogates
        ([0xF4, 0x90, 0x80, 0x80], 2), ([0xF5, 0x80, 0x80, 0x80], 1),  // above 10FFFF
        ([0xC3, 0x28], 2), ([0xE2, 0x28, 0xA1], 2), ([0xE2, 0x82, 0x28], 3),
        ([0xF0, 0x9F, 0x98, 0x28], 4),
        (Array("twelve ASCII".utf8) + [0xC3, 0xA9, 0x80], 15),
    ]

    @Test(arguments: vectors)
    func `a text fails at the first byte that cannot be, and nowhere before`(
        bytes: [UInt8], failsAfter: Int?
    ) {
        for count in 0...bytes.count {
            let isPossible = failsAfter.map { count < $0 } ?? true
            #expect(append(Array(bytes.prefix(count))) == isPossible)
        }
    }

    @Test(arguments: vectors)
    func `every split gives the same answer as the whole`(bytes: [UInt8], failsAfter: Int?) {
        for split in 0...bytes.count {
            var validator = UTF8Validator()
            let isPossible =
                bytes[..<split].withUnsafeBytes { validator.append($0) }
                && bytes[split...].withUnsafeBytes { validator.append($0) }
            #expect(isPossible == (failsAfter == nil))
        }
    }

    @Test func `a text that ends inside a character is possible but not valid`() {
        let text = Array("é€😀".utf8)
        for count in 0...text.count {
            let prefix = Array(text.prefix(count))
            let isWhole = String(validating: prefix, as: UTF8.self) != nil
            let (isPossible, isValid) = (append(prefix), isValid(prefix))
            #expect(isPossible)
            #expect(isValid == isWhole)
        }
    }

    @Test func `all scalars are accepted, and all pairs of bytes agree with the standard library`()
    {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            if !isValid(Array(UTF8.encode(scalar)!)) { Issue.record("U+\(value)") }
        }
        for pair in UInt16.min...UInt16.max {
            let bytes = [UInt8(pair >> 8), UInt8(pair & 0xFF)]
            if isValid(bytes) != (String(validating: bytes, as: UTF8.self) != nil) {
                Issue.record("\(bytes)")
            }
        }
    }

    private func append(_ bytes: [UInt8]) -> Bool {
        var validator = UTF8Validator()
        return bytes.withUnsafeBytes { validator.append($0) }
    }

    private func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { UTF8Validator.isValid($0) }
    }
}
