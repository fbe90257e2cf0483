// SharedBytes: one immutable payload queued on any number of connections of one loop.
//
//   +--------------+-----------+----------------------------+
//   | owners : Int | count:Int | bytes …                    |   one malloc block
//   +--------------+-----------+----------------------------+
//
// The count of owners is not atomic: a payload never leaves its loop. What crosses threads is an
// array; each loop makes one SharedBytes of it, however many connections receive it.
//
// Thread: one loop.  Allocates: once, in init.

/// Bytes with a count of owners. Trivial to copy; `retain` and `release` are explicit, because a
/// reference-counted class would cost an atomic operation per receiver.
public struct SharedBytes {
    @usableFromInline struct Header {
        @usableFromInline var owners: Int
        @usableFromInline var count: Int
    }

    @usableFromInline let header: UnsafeMutablePointer<Header>

    /// Copies `bytes`. The caller owns the result and must `release` it once.
    public init(copying bytes: UnsafeRawBufferPointer) {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Header>.size + bytes.count,
            alignment: MemoryLayout<Header>.alignment)
        header = block.bindMemory(to: Header.self, capacity: 1)
        header.initialize(to: Header(owners: 1, count: bytes.count))
        if bytes.count > 0 {
            (block + MemoryLayout<Header>.size).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
        }
    }

    public init(copying bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { SharedBytes(copying: $0) }
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
