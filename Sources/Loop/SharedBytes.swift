// SharedBytes: one immutable payload queued on any number of connections of one loop.
//
//   +--------+--------+-------+---------------+---------+
//   | owners | queued | count | expendability | bytes … |   one malloc block
//   +--------+--------+-------+---------------+---------+
//
// The counts are not atomic: a payload never leaves its loop. What crosses threads is an array; each
// loop makes one SharedBytes of it, however many connections receive it. It is sent whole, between two
// messages: where one begins in a queue is a place at which something else may go first.
//
// Thread: one loop.  Allocates: once, in init.

/// Bytes with a count of owners. Trivial to copy; `retain` and `release` are explicit, because a
/// reference-counted class would cost an atomic operation per receiver.
public struct SharedBytes {
    @usableFromInline struct Header {
        @usableFromInline var owners: UInt32
        /// Segments that refer to it: its memory is counted once, while there is one.
        var queued: UInt32 = 0
        @usableFromInline let count: Int
        let expendability: Expendability
    }

    @usableFromInline let header: UnsafeMutablePointer<Header>

    /// Copies `bytes`. The caller owns the result and must `release` it once.
    public init(copying bytes: UnsafeRawBufferPointer, _ expendability: Expendability = .kept) {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Header>.size + bytes.count,
            alignment: MemoryLayout<Header>.alignment)
        header = block.bindMemory(to: Header.self, capacity: 1)
        header.initialize(
            to: Header(owners: 1, count: bytes.count, expendability: expendability))
        if bytes.count > 0 {
            (block + MemoryLayout<Header>.size).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
        }
    }

    public init(copying bytes: [UInt8], _ expendability: Expendability = .kept) {
        self = bytes.withUnsafeBytes { SharedBytes(copying: $0, expendability) }
    }

    /// What a segment of a queue refers to.
    init(block: UnsafeMutableRawPointer) {
        header = block.assumingMemoryBound(to: Header.self)
    }

    var block: UnsafeMutableRawPointer { UnsafeMutableRawPointer(header) }

    var expendability: Expendability { header.pointee.expendability }

    /// One more segment refers to it; true for the first.
    func enteredQueue() -> Bool {
        header.pointee.queued += 1
        return header.pointee.queued == 1
    }

    /// True for the last.
    func leftQueue() -> Bool {
        header.pointee.queued -= 1
        return header.pointee.queued == 0
    }

    /// Valid until the last owner releases.
    @inlinable public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: UnsafeRawPointer(header) + MemoryLayout<Header>.size, count: header.pointee.count
        )
    }

    @inlinable public func retain() { header.pointee.owners += 1 }

    @inlinable public func release() {
        assert(header.pointee.owners > 0, "released more often than retained")
        header.pointee.owners -= 1
        if header.pointee.owners == 0 { UnsafeMutableRawPointer(header).deallocate() }
    }
}

@available(*, unavailable)
extension SharedBytes: Sendable {}
