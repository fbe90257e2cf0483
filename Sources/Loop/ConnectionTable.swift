// ConnectionTable: the slots of one loop's connections.
//
// A slot is plain memory that never moves, so a pointer to it stays good through any callback; what
// it holds may belong to the next connection after the end of the tick, which the generation tells.
//
//   free ── allocate ──▶ open ── markClosed ──▶ closed ── (end of tick) release ──▶ free
//                                                          generation + 1
//
// A slot is one cache line, all that receiving and sending look at. What only a stalled, a lingering, a
// proxied or a counted connection needs stands in a table of its own.
//
//    0          8               16        24      32         40         52         64
//   ┌──────────┬───────────────┬─────────┬───────┬──────────┬──────────┬──────────┐
//   │ gen, fd  │ flags, …      │ handler │ tls   │ leftover │ queue    │ciphertext│
//   └──────────┴───────────────┴─────────┴───────┴──────────┴──────────┴──────────┘
//
// Thread: one loop.  Allocates: once, in init; untouched slots cost no memory.

import Glibc

/// What the loop knows of one connection. Trivial: copying it copies no reference.
struct Slot {
    struct Flags: OptionSet {
        let rawValue: UInt32
        /// In use; clear for slots on the free list.
        static let allocated = Flags(rawValue: 1 << 0)
        /// The TLS handshake is not done; the handler does not know the connection yet.
        static let handshaking = Flags(rawValue: 1 << 1)
        /// The handler wants no bytes for now.
        static let paused = Flags(rawValue: 1 << 2)
        /// The socket took less than it was given; EPOLLOUT is armed.
        static let wantsWrite = Flags(rawValue: 1 << 3)
        /// Above the high-water mark and not yet at the low one.
        static let backpressured = Flags(rawValue: 1 << 4)
        /// Close once the queue is empty.
        static let closing = Flags(rawValue: 1 << 5)
        /// Linger after that.
        static let lingerWanted = Flags(rawValue: 1 << 6)
        /// Our half is closed, input is thrown away.
        static let lingering = Flags(rawValue: 1 << 7)
        /// Ended; waits for the end of the tick.
        static let closed = Flags(rawValue: 1 << 8)
        /// The peer will send no more.
        static let peerClosed = Flags(rawValue: 1 << 9)
        /// On the list of connections to flush in this tick.
        static let dirty = Flags(rawValue: 1 << 10)
        /// On the list of connections to deliver leftovers to in this tick.
        static let redelivering = Flags(rawValue: 1 << 11)
        /// Outbound, and TCP is not there yet; the handler is the `Dial`.
        static let connecting = Flags(rawValue: 1 << 12)
        /// Outbound: a drain does not end it.
        static let dialed = Flags(rawValue: 1 << 13)
        /// It did not keep up; its handler says its last words, or has.
        static let overflowed = Flags(rawValue: 1 << 14)
        /// Nothing is read before the PROXY header; the handler does not know the connection yet.
        static let awaitingProxyHeader = Flags(rawValue: 1 << 15)
        /// A PROXY header has named the client, which stands in the aside.
        static let proxied = Flags(rawValue: 1 << 16)
        /// Counted by its listener's `Admission`.
        static let admitted = Flags(rawValue: 1 << 17)
    }

    var generation: UInt32 = 1
    var descriptor: Int32 = -1
    var flags: Flags = []
    /// Position in `Reactor.listeners`.
    var listener: UInt8 = 0
    var interest: Interest = []
    var closeReason = CloseReason.finished
    /// Number of an `OutboundRule`; 0 is none.
    var rule: UInt8 = 0
    /// Owned: retained when set, released at the end of the closing tick.
    var handler: Unmanaged<ConnectionHandler>?
    var tls: TLSSession?
    /// Received and not consumed.
    var leftover: Leftover?
    var queue = OutboundQueue()
    /// Ciphertext the socket has not taken; goes before anything in `queue`.
    var ciphertext = OutboundQueue()
}

/// What is looked at of a connection that stalls, lingers or came through a proxy.
struct SlotAside {
    /// While the slot waits to write: when the socket last took bytes, or when the wait began.
    var lastProgress = MonotonicInstant(nanoseconds: 0)
    /// Input thrown away.
    var lingeredByteCount = 0
    /// Of a proxied connection.
    var client = PeerAddress.unknown
    /// Of a connection that is `admitted`: who is counted.
    var address = PeerAddress.unknown.ip
}

/// All slots of one loop.
struct ConnectionTable: ~Copyable {
    let capacity: UInt32
    private let slots: UnsafeMutablePointer<Slot>
    private let asides: UnsafeMutablePointer<SlotAside>
    /// Freed indices, last freed first: the memory most likely in the cache.
    private var freeIndices: [UInt32] = []
    /// Slots ever used; the rest of the memory is untouched.
    private(set) var usedCount: UInt32 = 0
    private(set) var openCount = 0

    init(capacity: Int) {
        precondition(capacity > 0 && capacity < Int(UInt32.max))
        self.capacity = UInt32(capacity)
        assert(MemoryLayout<Slot>.stride == 64, "a slot is one cache line")
        slots = aligned_alloc(64, capacity * MemoryLayout<Slot>.stride)!
            .bindMemory(to: Slot.self, capacity: capacity)
        asides = calloc(capacity, MemoryLayout<SlotAside>.stride)!
            .bindMemory(to: SlotAside.self, capacity: capacity)
    }

    deinit {
        free(slots)
        free(asides)
    }

    /// Of the slot at `index`; kept from one connection to the next.
    func aside(_ index: UInt32) -> UnsafeMutablePointer<SlotAside> {
        assert(index < usedCount)
        return asides + Int(index)
    }

    /// The slot at `index`, which must have been allocated once.
    func pointer(_ index: UInt32) -> UnsafeMutablePointer<Slot> {
        assert(index < usedCount)
        return slots + Int(index)
    }

    func token(_ index: UInt32) -> EventToken {
        EventToken(index: index, generation: pointer(index).pointee.generation)
    }

    /// The slot a token names, or nil if that connection is closed.
    func find(_ token: EventToken) -> UnsafeMutablePointer<Slot>? {
        guard token.index < usedCount else { return nil }
        let slot = slots + Int(token.index)
        guard slot.pointee.generation == token.generation,
            slot.pointee.flags.isSuperset(of: .allocated),
            !slot.pointee.flags.contains(.closed)
        else { return nil }
        return slot
    }

    /// A fresh slot, or nil when all are in use.
    mutating func allocate() -> UInt32? {
        let index: UInt32
        if let recycled = freeIndices.popLast() {
            index = recycled
            let generation = slots[Int(index)].generation
            slots[Int(index)] = Slot(generation: generation)
        } else {
            guard usedCount < capacity else { return nil }
            index = usedCount
            usedCount += 1
            (slots + Int(index)).initialize(to: Slot())
        }
        slots[Int(index)].flags = .allocated
        openCount += 1
        return index
    }

    /// Gives the slot back; from here on its old tokens find nobody.
    mutating func release(_ index: UInt32) {
        let slot = pointer(index)
        precondition(slot.pointee.flags.contains(.allocated))
        slot.pointee.flags = []
        // Generation 0 is kept for the loop's own descriptors.
        slot.pointee.generation = max(1, slot.pointee.generation &+ 1)
        freeIndices.append(index)
        openCount -= 1
        assert(openCount >= 0)
    }
}
