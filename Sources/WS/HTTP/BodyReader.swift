// BodyReader: collects one request body, whatever its framing, within its limit and not too slowly.
//
//   length(n) ──┐
//               ├──▶ append ──▶ [bytes] ──▶ complete
//   chunked ────┘        │
//                        └──▶ bytes of this window ──▶ too few at its end: bodyTooSlow
//
// Thread: one loop.  Allocates: the body, once where its length is known.  Source: RFC 9112 §6.3.

/// The body of one request while it arrives.
struct BodyReader {
    private enum Framing {
        case length(Int)
        case chunked(ChunkedDecoder)
    }

    private var framing: Framing
    private(set) var bytes: [UInt8] = []
    /// Raw bytes since the window began.
    private var windowByteCount = 0
    private let windowByteCountMin: Int

    /// The memory set aside on the peer's word alone, in bytes; the rest grows as it arrives.
    private static let reserveByteCountMax = 64 * 1024

    /// Refuses a body that its head already says is too large.
    ///
    /// - Parameter byteCountMax: of the decoded body, in bytes.
    init(_ framing: BodyFraming, byteCountMax: Int, limits: HTTPLimits) throws(HTTPError) {
        windowByteCountMin = limits.bodyByteCountPerWindow
        switch framing {
        case .none: self.framing = .length(0)
        case .length(let count):
            if count > byteCountMax { throw .bodyTooLarge }
            self.framing = .length(count)
            bytes.reserveCapacity(min(count, Self.reserveByteCountMax))
        case .chunked:
            self.framing = .chunked(ChunkedDecoder(limits: limits, bodyByteCountMax: byteCountMax))
        }
    }

    var isComplete: Bool {
        switch framing {
        case .length(let count): bytes.count == count
        case .chunked(let decoder): decoder.isComplete
        }
    }

    /// Takes what belongs to the body from the front of `input`; returns how many bytes that were.
    mutating func take(_ input: UnsafeRawBufferPointer) throws(HTTPError) -> Int {
        let consumed: Int
        switch framing {
        case .length(let count):
            consumed = min(count - bytes.count, input.count)
            bytes.append(contentsOf: input.prefix(consumed))
        case .chunked(var decoder):
            consumed = try decoder.decode(input.octets.span, into: &bytes)
            framing = .chunked(decoder)
        }
        windowByteCount += consumed
        return consumed
    }

    /// Called at the end of each window; begins the next one.
    mutating func windowEnded() throws(HTTPError) {
        if windowByteCount < windowByteCountMin { throw .bodyTooSlow }
        windowByteCount = 0
    }
}
