// MessageFramer: cuts a stream of bytes into records, however the bytes arrive.
//
//   json         chunk    {"type":6}RS{"type":1,"tar            chunk   get":"Ping","arguments":[]}RS
//                         └─ record ─┘└── kept ───┘                     └── completes the kept one ──┘
//   messagepack  chunk    02 91 06  0E 96 01 80 C0              chunk   A4 53 65 6E 64 91 …
//                         │  record │  └── kept                         └── completes the kept one
//                         └ length  └ length
//
// A record that lies within one chunk is handed out where it stands; only a record cut by the end of
// a chunk is copied. The limit is looked at per record, so the records in front of an oversized one
// in the same chunk are delivered. A length above the limit is refused when it is known, before
// anything of the record is kept.
//
// Every stream begins as JSON: so does the handshake of all protocols.
//
// Thread: its connection's loop.  Allocates: when a record spans chunks.
// Source: SignalR HubProtocol, "JSON Encoding", "MessagePack (MsgPack) encoding"; the limit as .NET 8
// applies it.

import Glibc

package struct MessageFramer {
    package enum Outcome<T> {
        case record(T)
        /// Everything given is consumed; the rest of the record has not arrived.
        case incomplete
        /// The record has more than the allowed bytes, framing included.
        case tooLong
        /// What stands for a length is none: `HubProtocolError.malformedLengthPrefix`.
        case malformed
    }

    /// Bytes of one record with its framing; `Int.max` for no limit.
    private let byteCountMax: Int
    /// The beginning of a record whose end has not arrived.
    private var pending: [UInt8] = []
    private var hubProtocol = HubProtocol.json

    /// - Parameter recordByteCountMax: nil for no limit.
    package init(recordByteCountMax: Int?) {
        precondition(recordByteCountMax ?? 1 > 0)
        byteCountMax = recordByteCountMax ?? .max
    }

    /// True between records.
    var isEmpty: Bool { pending.isEmpty }

    /// The handshake's record has been read, and what follows it is of this protocol.
    package mutating func agreed(on hubProtocol: HubProtocol) {
        precondition(isEmpty, "a record of the old framing is under way")
        self.hubProtocol = hubProtocol
    }

    /// Reads the next record and moves `offset` behind it.
    ///
    /// - Parameter body: gets the record without its framing; the memory is valid for the call.
    package mutating func next<T>(
        in chunk: UnsafeRawBufferPointer, from offset: inout Int,
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> Outcome<T> {
        precondition(offset <= chunk.count)
        switch hubProtocol {
        case .json: return nextSeparated(in: chunk, from: &offset, body)
        case .messagePack: return nextPrefixed(in: chunk, from: &offset, body)
        }
    }

    private mutating func nextSeparated<T>(
        in chunk: UnsafeRawBufferPointer, from offset: inout Int,
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> Outcome<T> {
        let rest = UnsafeRawBufferPointer(rebasing: chunk[offset...])
        guard let end = Self.separator(in: rest) else {
            // As many bytes as allowed may wait for a separator that would be one too many.
            if pending.count + rest.count > byteCountMax { return .tooLong }
            pending.append(contentsOf: rest)
            offset = chunk.count
            return .incomplete
        }
        if pending.count + end + 1 > byteCountMax { return .tooLong }
        offset += end + 1
        if pending.isEmpty { return .record(body(UnsafeRawBufferPointer(rebasing: rest[..<end]))) }

        pending.append(contentsOf: rest[..<end])
        return .record(takePending { body($0) })
    }

    private static func separator(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, bytes.count > 0,
            let found = memchr(base, Int32(JSONHubProtocol.recordSeparator), bytes.count)
        else { return nil }
        return base.distance(to: UnsafeRawPointer(found))
    }

    private mutating func nextPrefixed<T>(
        in chunk: UnsafeRawBufferPointer, from offset: inout Int,
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> Outcome<T> {
        let rest = UnsafeRawBufferPointer(rebasing: chunk[offset...])
        let (byteCount, prefixByteCount): (Int, Int)
        switch prefix(with: rest) {
        case .complete(let bodyByteCount, let prefix):
            (byteCount, prefixByteCount) = (prefix + bodyByteCount, prefix)
        case .incomplete:
            pending.append(contentsOf: rest)
            offset = chunk.count
            return .incomplete
        case .malformed: return .malformed
        }
        if byteCount > byteCountMax { return .tooLong }

        let missing = byteCount - pending.count
        guard rest.count >= missing else {
            pending.append(contentsOf: rest)
            offset = chunk.count
            return .incomplete
        }
        offset += missing
        if pending.isEmpty {
            return .record(
                body(UnsafeRawBufferPointer(rebasing: rest[prefixByteCount..<missing])))
        }
        pending.append(contentsOf: rest[..<missing])
        return .record(
            takePending { body(UnsafeRawBufferPointer(rebasing: $0[prefixByteCount...])) })
    }

    /// The length in front of the record that `pending` and `rest` are parts of.
    private func prefix(with rest: UnsafeRawBufferPointer) -> LengthPrefix.Reading {
        var (word, byteCount): (UInt64, Int) = (0, 0)
        for byte in pending.prefix(LengthPrefix.byteCountMax) {
            word |= UInt64(byte) << UInt64(8 * byteCount)
            byteCount += 1
        }
        for byte in rest.prefix(LengthPrefix.byteCountMax - byteCount) {
            word |= UInt64(byte) << UInt64(8 * byteCount)
            byteCount += 1
        }
        return LengthPrefix.read(word, byteCount: byteCount)
    }

    private mutating func takePending<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
        let result = pending.withUnsafeBytes(body)
        // The memory goes back: most connections are idle between records.
        pending = []
        return result
    }
}
