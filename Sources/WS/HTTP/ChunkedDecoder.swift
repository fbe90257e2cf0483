// ChunkedDecoder: takes the chunked coding off a body, from any split of its bytes.
//
//   ┌──────────────────────────── next chunk ─────────────────────────────┐
//   ▼                                                                     │
//   size ─▶ (extensions) ─▶ CR LF ─┬─ size > 0 ─▶ data ─▶ CR ─▶ LF ───────┘
//                                  └─ size = 0 ─▶ (trailer line CR LF)* ─▶ CR LF ─▶ complete
//
// It consumes all it is given up to the end of the body, so a connection keeps no raw chunk. Sizes
// are hexadecimal digits and nothing else; extensions and trailers are held to their grammar, then
// dropped.
//
// Thread: one loop.  Allocates: what it appends to the body.  Source: RFC 9112 §7.1.

/// The decoder of one body.
package struct ChunkedDecoder {
    private enum State: Equatable {
        case sizeStart
        case size(value: Int, digitCount: Int)
        /// Blanks behind the size, or behind a name or value; only ";" or "=" may follow.
        case blanksBeforeExtension
        case extensionNameStart, extensionName, blanksAfterName
        case extensionValueStart, extensionToken, extensionQuoted, extensionQuotedPair
        case extensionQuotedEnd
        case sizeLineFeed
        case data(remaining: Int)
        case dataCarriageReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, finalLineFeed
        case complete
    }

    private let limits: HTTPLimits
    private let bodyByteCountMax: Int
    private var state = State.sizeStart
    /// Of the chunk whose line is being read.
    private var chunkByteCount = 0
    private var extensionByteCount = 0
    private var trailerByteCount = 0

    package init(limits: HTTPLimits, bodyByteCountMax: Int) {
        self.limits = limits
        self.bodyByteCountMax = bodyByteCountMax
    }

    /// The whole body and its trailers have been read.
    package var isComplete: Bool { state == .complete }

    /// Decodes from the front of `bytes` and appends the data to `body`.
    ///
    /// - Returns: the bytes consumed: all, unless the body ended before.
    package mutating func decode(
        _ bytes: borrowing Span<UInt8>, into body: inout [UInt8]
    ) throws(HTTPError) -> Int {
        var index = 0
        while index < bytes.count && state != .complete {
            if case .data(let remaining) = state {
                let count = min(remaining, bytes.count - index)
                for offset in index..<index + count { body.append(bytes[offset]) }
                index += count
                state =
                    count == remaining ? .dataCarriageReturn : .data(remaining: remaining - count)
                continue
            }
            let byte = bytes[index]
            index += 1
            switch state {
            case .sizeStart, .size: try takeSize(byte, bodyByteCount: body.count)
            case .sizeLineFeed, .dataCarriageReturn, .dataLineFeed: try takeLineEnd(byte)
            case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .finalLineFeed:
                try takeTrailer(byte)
            default: try takeExtension(byte)
            }
        }
        return index
    }

    /// At most 16 digits, leading zeros included, so that a size line cannot grow without end.
    private mutating func takeSize(_ byte: UInt8, bodyByteCount: Int) throws(HTTPError) {
        var value = 0
        var digitCount = 0
        if case .size(let soFar, let count) = state { (value, digitCount) = (soFar, count) }
        if let digit = byte.hexDigitValue {
            guard digitCount < 16, value <= Int.max >> 4 else { throw .malformedChunk }
            state = .size(value: value << 4 | Int(digit), digitCount: digitCount + 1)
            return
        }
        if digitCount == 0 { throw .malformedChunk }
        if value > bodyByteCountMax - bodyByteCount { throw .bodyTooLarge }
        chunkByteCount = value
        switch byte {
        case .carriageReturn: state = .sizeLineFeed
        case .semicolon, .space, .tab:
            state = .blanksBeforeExtension
            try takeExtension(byte)
        default: throw .malformedChunk
        }
    }

    /// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ).
    private mutating func takeExtension(_ byte: UInt8) throws(HTTPError) {
        extensionByteCount += 1
        if extensionByteCount > limits.chunkExtensionByteCountMax { throw .malformedChunk }
        switch state {
        case .blanksBeforeExtension:
            if byte == .semicolon { state = .extensionNameStart } else { try requireBlank(byte) }
        case .extensionNameStart:
            if byte.isTokenByte { state = .extensionName } else { try requireBlank(byte) }
        case .extensionName where byte.isTokenByte: break
        case .extensionName, .blanksAfterName:
            try endName(byte)
        case .extensionValueStart:
            if byte == 0x22 {
                state = .extensionQuoted
            } else if byte.isTokenByte {
                state = .extensionToken
            } else {
                try requireBlank(byte)
            }
        case .extensionToken where byte.isTokenByte: break
        case .extensionToken, .extensionQuotedEnd: try endValue(byte)
        case .extensionQuoted:
            if byte.isForbiddenControl { throw .malformedChunk }
            if byte == 0x22 { state = .extensionQuotedEnd }
            if byte == 0x5C { state = .extensionQuotedPair }
        case .extensionQuotedPair:
            if byte.isForbiddenControl { throw .malformedChunk }
            state = .extensionQuoted
        default: preconditionFailure("not in an extension")
        }
    }

    private func requireBlank(_ byte: UInt8) throws(HTTPError) {
        if !byte.isBlank { throw .malformedChunk }
    }

    private mutating func endName(_ byte: UInt8) throws(HTTPError) {
        if byte == 0x3D {
            state = .extensionValueStart
        } else if byte.isBlank {
            state = .blanksAfterName
        } else if byte == .carriageReturn && state == .blanksAfterName {
            throw .malformedChunk
        } else {
            try endValue(byte)
        }
    }

    private mutating func endValue(_ byte: UInt8) throws(HTTPError) {
        switch byte {
        case .carriageReturn: state = .sizeLineFeed
        case .semicolon: state = .extensionNameStart
        case .space, .tab: state = .blanksBeforeExtension
        default: throw .malformedChunk
        }
    }

    private mutating func takeLineEnd(_ byte: UInt8) throws(HTTPError) {
        switch (state, byte) {
        case (.sizeLineFeed, .lineFeed):
            state = chunkByteCount == 0 ? .trailerStart : .data(remaining: chunkByteCount)
        case (.dataCarriageReturn, .carriageReturn): state = .dataLineFeed
        case (.dataLineFeed, .lineFeed): state = .sizeStart
        default: throw .malformedChunk
        }
    }

    /// A trailer line has the syntax of a field line (RFC 9112 §7.1.2).
    private mutating func takeTrailer(_ byte: UInt8) throws(HTTPError) {
        trailerByteCount += 1
        if trailerByteCount > limits.trailerByteCountMax { throw .trailersTooLarge }
        switch state {
        case .trailerStart where byte == .carriageReturn: state = .finalLineFeed
        case .trailerStart where byte.isTokenByte: state = .trailerName
        case .trailerName where byte.isTokenByte: break
        case .trailerName where byte == .colon: state = .trailerValue
        case .trailerValue where byte == .carriageReturn: state = .trailerLineFeed
        case .trailerValue where !byte.isForbiddenControl: break
        case .trailerLineFeed where byte == .lineFeed: state = .trailerStart
        case .finalLineFeed where byte == .lineFeed: state = .complete
        default: throw .malformedTrailer
        }
    }
}
