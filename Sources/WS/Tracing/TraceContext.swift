// TraceContext: a place in a trace, as it travels between services.
//
//   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//   │  └──────── trace id ────────────┘ └── span id ───┘ └ flags: 1 is sampled
//   version
//
// Thread: a pure value.  Allocates: the text, on demand.
// Source: W3C Trace Context §3.2; the `traceId` member of the replaced server's problem bodies.

/// One span of one trace.
public struct TraceContext: Equatable, Sendable {
    /// Never both zero.
    public let traceID: (high: UInt64, low: UInt64)
    /// Never zero.
    public let spanID: UInt64
    /// Somebody records this trace; who goes on with it should do so too.
    public let isSampled: Bool

    public init(traceID: (high: UInt64, low: UInt64), spanID: UInt64, isSampled: Bool) {
        precondition(traceID.high | traceID.low != 0 && spanID != 0)
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// Reads a version-00 `traceparent`; nil if anything in it is not as it must be.
    public init?(parsing parent: some Sequence<UInt8>) {
        let bytes = Array(parent)
        guard bytes.count == 55, bytes[0] == 0x30, bytes[1] == 0x30,
            bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D,
            let high = Self.hexWord(bytes[3..<19]), let low = Self.hexWord(bytes[19..<35]),
            let span = Self.hexWord(bytes[36..<52]), let flags = Self.hexWord(bytes[53..<55]),
            high | low != 0, span != 0
        else { return nil }
        self.init(traceID: (high, low), spanID: span, isSampled: flags & 1 == 1)
    }

    private static func hexWord(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var word: UInt64 = 0
        for byte in digits {
            guard let digit = byte.hexDigitValue, byte == byte.lowercased else { return nil }
            word = word << 4 | UInt64(digit)
        }
        return word
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.traceID == b.traceID && a.spanID == b.spanID && a.isSampled == b.isSampled
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
            for byte in [0x2D, 0x30, isSampled ? 0x31 : 0x30] as [UInt8] { put(byte) }
            return end
        }
    }
}
