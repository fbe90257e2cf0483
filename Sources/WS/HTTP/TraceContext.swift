// TraceContext: the name of a request across services.
//
//   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//   │  └──────── trace id ────────────┘ └── span id ───┘ └ flags
//   version
//
// Thread: a pure value; a source belongs to one loop.  Allocates: the text, on demand.
// Source: W3C Trace Context §3.2; the `traceId` member of the replaced server's problem bodies.

import Loop

/// The position of one request in one trace.
public struct TraceContext: Equatable, Sendable {
    /// Never both zero.
    public let traceID: (high: UInt64, low: UInt64)
    /// Of this request; never zero.
    public let spanID: UInt64

    public static func == (a: Self, b: Self) -> Bool {
        a.traceID == b.traceID && a.spanID == b.spanID
    }

    /// The `traceparent` form, 55 characters.
    public var text: String {
        String(unsafeUninitializedCapacity: 55) { buffer in
            var end = 0
            func put(_ byte: UInt8) {
                buffer[end] = byte
                end += 1
            }
            func putHex(_ word: UInt64) {
                for shift in stride(from: UInt64(60), through: 0, by: -4) {
                    let digit = UInt8(word >> shift & 15)
                    put(digit < 10 ? 0x30 + digit : 0x57 + digit)
                }
            }
            for byte in [0x30, 0x30, 0x2D] as [UInt8] { put(byte) }
            putHex(traceID.high)
            putHex(traceID.low)
            put(0x2D)
            putHex(spanID)
            for byte in [0x2D, 0x30, 0x31] as [UInt8] { put(byte) }
            return end
        }
    }
}

/// Makes the contexts of one loop. They must not collide, but may be guessed, so one seed from the
/// kernel is enough (SplitMix64).
struct TraceSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Goes on with the caller's trace where its `traceparent` is valid, else begins a new one.
    mutating func context(continuing parent: ArraySlice<UInt8>?) -> TraceContext {
        let traceID = parent.flatMap(Self.traceID) ?? (high: next() | 1, low: next())
        return TraceContext(traceID: traceID, spanID: next() | 1)
    }

    /// The trace id of a version-00 `traceparent`; nil if anything in it is not as it must be.
    private static func traceID(_ parent: ArraySlice<UInt8>) -> (high: UInt64, low: UInt64)? {
        let bytes = Array(parent)
        guard bytes.count == 55, bytes[0] == 0x30, bytes[1] == 0x30,
            bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D,
            let high = hexWord(bytes[3..<19]), let low = hexWord(bytes[19..<35]),
            let span = hexWord(bytes[36..<52]), hexWord(bytes[53..<55]) != nil,
            high | low != 0, span != 0
        else { return nil }
        return (high, low)
    }

    private static func hexWord(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var word: UInt64 = 0
        for byte in digits {
            guard let digit = byte.hexDigitValue, byte == byte.lowercased else { return nil }
            word = word << 4 | UInt64(digit)
        }
        return word
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
