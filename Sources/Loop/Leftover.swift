// Leftover: the bytes that a handler has not consumed, kept until more have come.
//
//   +----------------+----------------+---------------------+
//   | count : UInt32 | room : UInt32  | bytes …             |   one malloc block
//   +----------------+----------------+---------------------+
//
// Most connections never have one, so a slot has one pointer for it and nothing beside.
//
// Thread: one loop.  Allocates: once, in init.

import Glibc

/// Trivial to copy; whoever keeps it must `free` it once.
struct Leftover {
    private struct Header {
        var byteCount: UInt32
        let capacity: UInt32
    }

    private let header: UnsafeMutablePointer<Header>

    init(capacity: Int) {
        header = malloc(MemoryLayout<Header>.size + capacity)!
            .bindMemory(to: Header.self, capacity: 1)
        header.initialize(to: Header(byteCount: 0, capacity: UInt32(capacity)))
    }

    var byteCount: Int { Int(header.pointee.byteCount) }
    var capacity: Int { Int(header.pointee.capacity) }

    private var bytes: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(header) + MemoryLayout<Header>.size
    }

    /// Keeps `byteCount` bytes from `source`, at most the capacity, instead of what was kept.
    func keep(_ source: UnsafeRawPointer, byteCount: Int) {
        precondition(byteCount <= capacity)
        bytes.copyMemory(from: source, byteCount: byteCount)
        header.pointee.byteCount = UInt32(byteCount)
    }

    /// Copies what is kept to `target`, which has room for it; then nothing is kept.
    func take(into target: UnsafeMutableRawPointer) -> Int {
        let byteCount = byteCount
        target.copyMemory(from: bytes, byteCount: byteCount)
        header.pointee.byteCount = 0
        return byteCount
    }

    func free() { Glibc.free(header) }
}
