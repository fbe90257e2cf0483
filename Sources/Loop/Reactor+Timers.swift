// Reactor+Timers: what happens later on this loop.
//
//   wheel index   0 … connectionCountMax - 1          connectionCountMax …
//                 one timer per connection            loop timers: every (again and again), after (once)
//
// Thread: the loop's.  Allocates: a closure per loop timer; nothing for a connection's.

/// A timer of no connection.
struct LoopTimer {
    /// Nil: once.
    let interval: Duration?
    let body: () -> Void
}

extension Reactor {
    // MARK: Loop timers

    /// Runs `body` on this loop every `interval` until the loop ends.
    public func every(_ interval: Duration, _ body: @escaping () -> Void) {
        let timer = startTimer(interval, isRepeating: true, body)
        precondition(timer != nil, "more timers than Limits.loopTimerCountMax")
    }

    /// Runs `body` once on this loop, after `delay` (16 ms resolution); dropped if the loop ends
    /// before.
    public func after(_ delay: Duration, _ body: @escaping () -> Void) {
        let timer = startTimer(delay, isRepeating: false, body)
        precondition(timer != nil, "more timers than Limits.loopTimerCountMax")
    }

    /// Nil when `Limits.loopTimerCountMax` timers run. The number is good for `cancelTimer` until
    /// the timer has fired.
    func startTimer(_ delay: Duration, isRepeating: Bool, _ body: @escaping () -> Void) -> Int? {
        let timer = LoopTimer(interval: isRepeating ? delay : nil, body: body)
        let number: Int
        if let free = freeLoopTimers.popLast() {
            number = free
            loopTimers[number] = timer
        } else {
            guard loopTimers.count < limits.loopTimerCountMax else { return nil }
            number = loopTimers.count
            loopTimers.append(timer)
        }
        wheel.arm(table.capacity + UInt32(number), at: now.advanced(by: delay))
        return number
    }

    func cancelTimer(_ number: Int) {
        precondition(loopTimers[number] != nil, "the timer has fired")
        wheel.disarm(table.capacity + UInt32(number))
        loopTimers[number] = nil
        freeLoopTimers.append(number)
    }

    // MARK: A connection's timer

    func armTimer(_ token: EventToken, at deadline: MonotonicInstant) {
        if find(token) != nil { wheel.arm(token.index, at: deadline) }
    }

    func disarmTimer(_ token: EventToken) {
        if find(token) != nil { wheel.disarm(token.index) }
    }

    // MARK: Expiry

    func expireTimers() {
        wheel.expire(at: now, into: &due)
        for index in due {
            if index >= table.capacity {
                loopTimerFired(index)
            } else {
                connectionTimerFired(index)
            }
        }
        due.removeAll(keepingCapacity: true)
    }

    private func loopTimerFired(_ index: UInt32) {
        let number = Int(index - table.capacity)
        // A body that ran before in this round may have cancelled this timer, and its place may
        // have been taken by one that is not due yet.
        guard let timer = loopTimers[number], !wheel.isArmed(index) else { return }
        if let interval = timer.interval {
            wheel.arm(index, at: now.advanced(by: interval))
        } else {
            loopTimers[number] = nil
            freeLoopTimers.append(number)
        }
        timer.body()
    }

    private func connectionTimerFired(_ index: UInt32) {
        let slot = table.pointer(index)
        // What ran before in this round may have ended the connection, or given it another deadline.
        guard isLive(slot), !wheel.isArmed(index) else { return }
        if slot.pointee.flags.contains(.connecting) {
            failDial(slot, index, .timedOut(.connecting))
        } else if slot.pointee.flags.contains(.handshaking) {
            failHandshake(slot, index, .timedOut, .timedOut(.handshaking))
        } else if slot.pointee.flags.contains(.awaitingProxyHeader) {
            refuseProxy(slot, index, .timedOut)
        } else if slot.pointee.flags.contains(.lingering) {
            end(slot, index, .finished)
        } else {
            corked(slot, index) { $0.timerFired($1) }
        }
    }
}
