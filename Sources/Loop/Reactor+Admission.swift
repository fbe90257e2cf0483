// Reactor+Admission: when this loop takes new connections, and what it turns away.
//
//   late for long, out of accept tokens,     ─▶ listeners rest
//   as many handshakes as may be
//   each beat (50 ms), a handshake has ended  ─▶ they are watched again if nothing of that holds
//
// While the listeners rest, who wants to come waits in their queue: that costs the loop nothing at the
// moment when it has no time, and nobody has to try again. When the queue is full the kernel lets
// further SYNs go unanswered, and the clients' kernels repeat them.
//
// Thread: the loop's.  Allocates: never.  Source: man 2 listen.

import CLinux

/// Why the listeners rest. The raw value is the stable name in counters.
public enum AcceptPause: String, Hashable, Sendable, CaseIterable {
    /// The loop is late: `Limits.lagRefusing`.
    case lag
    /// `Limits.acceptRate` is used up.
    case rate
    /// `Limits.handshakeCountMax`; only listeners with TLS rest.
    case handshakes
}

/// Why a connection was closed at once. The raw value is the stable name in counters.
public enum ConnectionRefusal: String, Hashable, Sendable, CaseIterable {
    /// `Limits.connectionCountMax`.
    case loopFull = "loop_full"
    /// No descriptor, or no memory in the kernel or for TLS.
    case noResources = "no_resources"
    /// `Admission.Rules.connectionCountMax`.
    case processFull = "process_full"
    /// `Admission.Rules.connectionCountPerAddressMax`.
    case addressFull = "address_full"
    /// `Admission.Rules.connectionRatePerAddress`.
    case addressRate = "address_rate"
}

extension Reactor {
    /// What this loop turns away now, because it is late.
    public var pressure: LoopPressure { lag.pressure }

    /// For whoever watches that the loop turns.
    public var pulse: LoopPulse { heart }

    /// Called once, by the first listener: from then on lateness can be told from having nothing to do.
    func startBeat() {
        lag.start(at: now)
        every(.nanoseconds(Int64(LoopLag.beat))) {}
    }

    /// At the start of a tick that is due for it.
    func beat(since before: MonotonicInstant) {
        lag.observe(at: now, since: before)
        heart.beat(at: now)
        updateAccepting()
    }

    /// Why the listener is to take no connections at this moment; nil if it may.
    func acceptPause(of listener: Listener) -> AcceptPause? {
        if lag.pressure == .refusing { return .lag }
        if let rate = limits.acceptRate, !acceptBucket.hasToken(rate, at: now) { return .rate }
        if listener.identity != nil, handshakingCount >= limits.handshakeCountMax {
            return .handshakes
        }
        return nil
    }

    /// Rests the listeners, or watches them again: one that is level-triggered, watched and not served
    /// would spin.
    func updateAccepting() {
        for position in listeners.indices where listeners[position].descriptor >= 0 {
            let pause = acceptPause(of: listeners[position])
            guard (pause != nil) != listeners[position].isPaused else { continue }
            listeners[position].isPaused = pause != nil
            if let pause { counters.pauseCountByReason[pause, default: 0] += 1 }
            poller.modify(
                listeners[position].descriptor, pause == nil ? .read : [],
                Self.token(ofListener: position))
        }
    }
}
