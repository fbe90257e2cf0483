// EnvelopeChecks: what every layout between pods is tested for.

import Testing

@testable import Hub

func decode<T>(
    _ bytes: [UInt8], _ decode: (UnsafeRawBufferPointer) throws(BackplaneEnvelopeError) -> T
) throws -> T {
    try bytes.withUnsafeBytes { try decode($0) }
}

/// What decoding says; a sentence if there is nothing wrong.
func errorText<T>(
    _ bytes: [UInt8], _ layout: (UnsafeRawBufferPointer) throws(BackplaneEnvelopeError) -> T
) -> String {
    do { _ = try decode(bytes, layout) } catch { return "\(error)" }
    return "no error"
}

/// Every truncation is an error.
func expectNoPrefixDecodes<T>(
    _ bytes: [UInt8], _ layout: (UnsafeRawBufferPointer) throws(BackplaneEnvelopeError) -> T
) {
    for count in 0..<bytes.count {
        #expect(throws: BackplaneEnvelopeError.self) {
            _ = try decode(Array(bytes.prefix(count)), layout)
        }
    }
}

/// The same array with two more items behind the known ones.
/// - Parameter itemCount: with those two, at most 15.
func longer(_ bytes: [UInt8], itemCount: UInt8) -> [UInt8] {
    let items: [UInt8] = [0xC0, 0x01]
    return [0x90 | itemCount] + Array(bytes.dropFirst()) + items
}
