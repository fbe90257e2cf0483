// MessageFramer: cuts a stream of bytes into records at 0x1E, however the bytes arrive.
//
//   chunk    {"type":6}RS{"type":1,"tar            chunk   get":"Ping","arguments":[]}RS
//            └─ record ─┘└── kept ───┘                     └── completes the kept record ──┘
//
// A record that lies within one chunk is handed out where it stands; only a record cut by the end of
// a chunk is copied. The limit is looked at per record, so the records in front of an oversized one
// in the same chunk are delivered.
//
// Thread: its connection's loop.  Allocates: when a record spans chunks.
// Source: SignalR HubProtocol, "JSON Encoding"; the limit as .NET 8 applies it.

package struct MessageFramer {
    package enum Outcome<T> {
        case record(T)
        /// Everything given is consumed; the rest of the record has not arrived.
        case incomplete
        /// The record has more than the allowed bytes, separator included.
        case tooLong
    }

    /// Bytes of one record with its separator; `Int.max` for no limit.
    private let byteCountMax: Int
    /// The beginning of a record whose end has not arrived.
    private var pending: [UInt8] = []

    /// - Parameter recordByteCountMax: nil for no limit.
    package init(recordByteCountMax: Int?) {
        precondition(recordByteCountMax ?? 1 > 0)
        byteCountMax = recordByteCountMax ?? .max
    }

    /// True between records.
    var isEmpty: Bool { pending.isEmpty }

    /// Reads the next record and moves `offset` behind its separator.
    ///
    /// - Parameter body: gets the record without its separator; the memory is valid for the call.
    package mutating func next<T>(
        in chunk: UnsafeRawBufferPointer, from offset: inout Int,
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> Outcome<T> {
        precondition(offset <= chunk.count)
        let rest = UnsafeRawBufferPointer(rebasing: chunk[offset...])
        guard let end = rest.firstIndex(of: JSONHubProtocol.recordSeparator) else {
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
        let result = pending.withUnsafeBytes(body)
        // The memory goes back: most connections are idle between records.
        pending = []
        return .record(result)
    }
}
