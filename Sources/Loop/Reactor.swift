// Reactor: one thread's event loop.
//
//   tick:  wait ─▶ dispatch events ─▶ drain mailboxes ─▶ expire timers ─▶ redeliver leftovers
//                                                              ─▶ flush queues ─▶ free closed
//
// Reading is in Reactor+Receive, writing in Reactor+Send, what happens to those that do not read in
// Reactor+Overflow, the ends of connections in Reactor+Close, new ones in Reactor+Accept,
// Reactor+Proxy and Reactor+Connect, timers in Reactor+Timers; what a late loop turns away in
// Reactor+Admission.
//
// Thread: the one that made it; other threads reach it only through its mailboxes.
// Allocates: buffers once in init; per connection only while bytes are left over or unsent.

import CLinux
import Glibc

public final class Reactor {
    public let limits: Limits
    public let time: any TimeSource
    /// The time at the start of this tick.
    public internal(set) var now: MonotonicInstant
    var counters = LoopMetrics()

    var poller: Poller
    var table: ConnectionTable
    var pool = SegmentPool()
    var wheel: TimerWheel
    let tls = TLSChannel()
    var listeners: [Listener] = []
    /// Descriptor given up when the process runs out of them, to accept and refuse politely.
    var reserve: Int32

    /// Plaintext: what a connection left over, then what it has just received.
    let receiveBuffer: UnsafeMutableRawPointer
    let receiveCapacity: Int
    /// Ciphertext of the read at work.
    let cipherBuffer: UnsafeMutableRawPointer
    var cork: Cork

    /// While a message is handled that came alone: what it sends need not wait for more.
    var sendsAtOnce = false
    var dirty: [UInt32] = []
    var outboundRules: [OutboundRule] = []
    /// Their handlers have not been told yet.
    var overflowed: [UInt32] = []
    var account: OutboundAccount
    /// What the layers above keep for peers, beside our queues.
    private var keptByteCount = 0
    /// Of what waited to be sent, since memory was given back.
    var peakOutboundByteCount = 0
    var crowd = CrowdWatch()
    var nextShedding = MonotonicInstant(nanoseconds: 0)
    var redeliveries: [EventToken] = []
    var closed: [UInt32] = []
    /// Handlers replaced in this tick; one of them may still be on the stack.
    var retired: [Unmanaged<ConnectionHandler>] = []
    var due: [UInt32] = []
    var handshakesLeft = 0
    /// Accepted connections in their TLS handshake.
    var handshakingCount = 0
    /// Open connections that we have dialed.
    var dialedCount = 0

    var lag: LoopLag
    let heart: LoopPulse
    var acceptBucket = TokenBucket()

    private let waker: Waker
    private var drains: [() -> Void] = []
    private var endings: [() -> Void] = []
    private(set) var drainHandlers: [() -> Void] = []
    /// What the drain handlers have still to finish beside connections.
    private var drainBacklogs: [() -> Int] = []
    /// Everybody is served, and nobody is asked to stay: HTTP answers say `Connection: close`.
    public private(set) var isLameDuck = false
    /// Timers of no connection; entry i uses the wheel's index `table.capacity + i`.
    var loopTimers: [LoopTimer?] = []
    var freeLoopTimers: [Int] = []
    /// True from `stop` on.
    private(set) var isStopped = false

    private static let wakerToken = EventToken(index: .max, generation: 0)
    /// The longest wait; the sweep for stalled writers is due once a second anyway.
    private static let waitMillisecondsMax: Int32 = 1000

    /// - Parameter budget: shared with other loops; nil: all of `Limits.outboundMemoryByteCountMax`.
    public init(
        limits: Limits = Limits(), time: any TimeSource = SystemTime(),
        budget: OutboundBudget? = nil
    ) throws(SystemError) {
        limits.validate()
        self.limits = limits
        self.time = time
        account = OutboundAccount(
            budget
                ?? OutboundBudget(byteCountMax: limits.outboundMemoryByteCountMax, loopCount: 1))
        now = time.monotonicNow
        poller = try Poller()
        waker = try Waker()
        table = ConnectionTable(capacity: limits.connectionCountMax)
        wheel = TimerWheel(capacity: table.capacity + UInt32(limits.loopTimerCountMax), now: now)
        receiveCapacity = limits.leftoverByteCountMax + limits.readByteCountPerTick
        // The last that may throw before `deinit` is there to free what is not owned by a type.
        reserve = try SystemError.check(clinux_open_reserve(), "open(/dev/null)")
        receiveBuffer = malloc(receiveCapacity)!
        cipherBuffer = malloc(limits.readByteCountPerTick)!
        cork = Cork()
        lag = LoopLag(shedsAt: limits.lagShedding, refusesAt: limits.lagRefusing)
        heart = LoopPulse(at: now)
        try poller.add(waker.descriptor, .read, Self.wakerToken)
        every(.seconds(1)) { [unowned self] in
            cutStalledWriters()
            giveBackMemory()
        }
    }

    deinit {
        free(receiveBuffer)
        free(cipherBuffer)
        cork.free()
        if reserve >= 0 { _ = clinux_close(reserve) }
    }

    // MARK: What the layers above use

    public var metrics: LoopMetrics {
        var copy = counters
        copy.openConnectionCount = acceptedConnectionCount
        copy.outboundByteCount = outboundByteCount
        copy.lag = .nanoseconds(Int64(lag.average))
        copy.timerCount = wheel.armedCount
        copy.segmentCount = pool.liveCount
        return copy
    }

    /// Memory of what waits to be sent, a step's inaccuracy included where layers above keep it.
    public var outboundByteCount: Int { pool.heldByteCount + keptByteCount }

    /// Whether all loops together hold more than they may.
    public var isOverBudget: Bool { account.isOverdrawn }

    /// The layers above keep so many bytes more for peers, or fewer.
    public func noteKept(_ byteCount: Int) { keptByteCount += byteCount }

    public var openConnectionCount: Int { table.openCount }

    /// Those of `openConnectionCount` that others have opened.
    public var acceptedConnectionCount: Int { table.openCount - dialedCount }

    /// The handler of an open connection, for replies that come through a mailbox.
    public func handler(of token: EventToken) -> ConnectionHandler? {
        guard let slot = find(token) else { return nil }
        return slot.pointee.handler?.takeUnretainedValue()
    }

    /// The handle of an open connection.
    public func connection(_ token: EventToken) -> Connection? {
        find(token) == nil ? nil : Connection(reactor: self, token: token)
    }

    /// Every message posted from any thread is handed to `receiver` on this loop. What `receiver`
    /// captures lives as long as the loop.
    public func makeMailbox<Message: Sendable>(
        of type: Message.Type = Message.self, receiver: @escaping (Message) -> Void
    ) -> Mailbox<Message> {
        let mailbox = Mailbox<Message>(waker: waker)
        drains.append { [unowned self] in
            guard mailbox.hasMessages else { return }
            let messages = mailbox.takeAll()
            sendsAtOnce = messages.count == 1
            for message in messages { receiver(message) }
            sendsAtOnce = false
        }
        atEnd { mailbox.close() }
        return mailbox
    }

    /// Runs `body` on the loop when its connections are asked to finish, in front of them.
    ///
    /// - Parameter backlog: how much there is to finish that may be no connection of this loop.
    public func onDrain(_ body: @escaping () -> Void, backlog: @escaping () -> Int) {
        drainHandlers.append(body)
        drainBacklogs.append(backlog)
    }

    /// Before a drain, as long as load balancers send new connections here.
    public func enterLameDuck() { isLameDuck = true }

    /// What a drain waits for. Who has a connection and a backlog counts once.
    var unfinishedCount: Int { max(acceptedConnectionCount, drainBacklogs.reduce(0) { $0 + $1() }) }

    /// Runs `body` when the loop ends, after its connections are cut.
    func atEnd(_ body: @escaping () -> Void) { endings.append(body) }

    /// Ends `run` after the current tick and cuts what is still open.
    public func stop() { isStopped = true }

    // MARK: The tick

    /// Runs until `stop`.
    public func run() {
        while !isStopped { tick(waitMillisecondsMax: Self.waitMillisecondsMax) }
        tearDown()
    }

    /// One turn of the loop.
    func tick(waitMillisecondsMax limit: Int32) {
        let hasWork =
            !dirty.isEmpty || !redeliveries.isEmpty || !closed.isEmpty || !overflowed.isEmpty
        let timeout = hasWork ? 0 : wheel.millisecondsToNext(from: now, limit: limit)
        let eventCount = poller.wait(milliseconds: timeout)
        let before = now
        now = time.monotonicNow
        if lag.isDue(at: now) { beat(since: before) }
        counters.tickCount += 1
        handshakesLeft = limits.handshakeCountPerTick

        var isWoken = false
        for position in 0..<eventCount {
            let (token, flags) = poller.event(at: position)
            if token == Self.wakerToken {
                isWoken = true
            } else if token.generation == 0 {
                accept(on: Int(token.index))
            } else {
                dispatch(token, flags)
            }
        }
        if isWoken { drainMailboxes() }
        expireTimers()
        redeliverLeftovers()
        tellOverflowed()
        flushDirty()
        freeClosed()
        settleOutbound()
    }

    private func dispatch(_ token: EventToken, _ flags: UInt32) {
        guard let slot = find(token) else {
            counters.staleTokenCount += 1
            return
        }
        if slot.pointee.flags.contains(.connecting) { return connectEnded(slot, token.index) }
        if flags & EPOLLIN.rawValue != 0, slot.pointee.interest.contains(.read) {
            becameReadable(slot, token.index)
        } else if flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            broken(slot, token.index, -clinux_socket_error(slot.pointee.descriptor))
        }
        if flags & EPOLLOUT.rawValue != 0, isLive(slot) { flush(slot, token.index) }
    }

    private func drainMailboxes() {
        waker.disarm()
        // By index: a receiver may make another mailbox.
        var position = 0
        while position < drains.count {
            drains[position]()
            position += 1
        }
    }

    private func tearDown() {
        stopAccepting()
        for index in 0..<table.usedCount where isLive(table.pointer(index)) {
            end(table.pointer(index), index, .aborted)
        }
        freeClosed()
        account.tell(0)
        for ending in endings { ending() }
        // The closures may hold what holds the loop.
        drains = []
        endings = []
        drainHandlers = []
        drainBacklogs = []
        loopTimers = []
    }

    // MARK: Slots

    func find(_ token: EventToken) -> UnsafeMutablePointer<Slot>? { table.find(token) }

    /// In use and not yet ended.
    func isLive(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
        slot.pointee.flags.contains(.allocated) && !slot.pointee.flags.contains(.closed)
    }

    func updateInterest(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let flags = slot.pointee.flags
        var wanted: Interest = flags.contains(.wantsWrite) ? .write : []
        let isReading =
            flags.contains(.lingering)
            || flags.isDisjoint(with: [.paused, .closing, .peerClosed])
        if isReading { wanted.insert(.read) }
        guard wanted != slot.pointee.interest else { return }
        slot.pointee.interest = wanted
        poller.modify(slot.pointee.descriptor, wanted, table.token(index))
    }

    func isOpen(_ token: EventToken) -> Bool { find(token) != nil }

    func isEncrypted(_ token: EventToken) -> Bool { find(token)?.pointee.tls != nil }

    func isSessionResumed(_ token: EventToken) -> Bool {
        find(token)?.pointee.tls?.isResumed ?? false
    }

    func clientCertificateSubject(_ token: EventToken) -> String? {
        find(token)?.pointee.tls?.peerSubject
    }
}

@available(*, unavailable)
extension Reactor: Sendable {}
