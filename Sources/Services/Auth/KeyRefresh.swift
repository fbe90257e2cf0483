// KeyRefresh: when to ask the authority for its keys.
//
//                  due, or a key is missing
//   waiting(until) ───────────────────────▶ metadata ── read ──▶ keys ── read ──▶ waiting(interval)
//        ▲                                     │                  │
//        └──────── back-off, doubling ◀────────┴─── failed ◀──────┘
//
// A missing key brings the next refresh forward, never closer to the last one than
// `missingKeyInterval`: tokens of made-up keys cannot make us flood the authority.
//
// Thread: one loop; no I/O, no clock of its own.  Allocates: never.

import Loop
import WS

/// How often the authority is asked, and how long it may take.
public struct KeyRefreshTimes: Sendable {
    /// Between refreshes where the authority does not say how long its keys may be kept.
    public var interval: Duration = .seconds(3600)
    /// Bounds of what it may say by Cache-Control.
    public var intervalMin: Duration = .seconds(300)
    public var intervalMax: Duration = .seconds(86_400)
    /// Between the starts of two refreshes, however many tokens name keys we do not have.
    public var missingKeyInterval: Duration = .seconds(30)
    /// The pause after the first failure, and the longest one.
    public var retryFirst: Duration = .seconds(1)
    public var retryMost: Duration = .seconds(60)
    /// Of one request, from its start to its last byte.
    public var fetchTimeout: Duration = .seconds(10)
    /// Bytes of the metadata, and of the key set.
    public var documentByteCountMax = 256 * 1024

    public init() {}
}

struct KeyRefresh {
    private enum Phase: Equatable {
        case waiting(until: MonotonicInstant)
        case readingMetadata
        case readingKeys
    }

    private let times: KeyRefreshTimes
    private var phase: Phase
    private var startedAt: MonotonicInstant?
    private var backoff = Backoff()

    /// Due at once.
    init(_ times: KeyRefreshTimes, now: MonotonicInstant) {
        self.times = times
        phase = .waiting(until: now)
        backoff.first = times.retryFirst
        backoff.most = times.retryMost
    }

    /// No request is under way.
    var isWaiting: Bool {
        if case .waiting = phase { return true }
        return false
    }

    /// True when the metadata must be asked for now. Called every now and then.
    mutating func begins(at now: MonotonicInstant, isKeyMissing: Bool) -> Bool {
        guard case .waiting(var due) = phase else { return false }
        if isKeyMissing, let startedAt {
            due = min(due, startedAt.advanced(by: times.missingKeyInterval))
            phase = .waiting(until: due)
        }
        guard now >= due else { return false }
        startedAt = now
        phase = .readingMetadata
        return true
    }

    /// The metadata is good; the keys are asked for next.
    mutating func metadataRead() {
        assert(phase == .readingMetadata)
        phase = .readingKeys
    }

    /// The keys are good.
    ///
    /// - Parameter maxAge: as the authority has said; nil if it has not.
    mutating func keysRead(maxAge: Duration?, at now: MonotonicInstant) {
        assert(phase == .readingKeys)
        backoff.reset()
        let pause = min(max(maxAge ?? times.interval, times.intervalMin), times.intervalMax)
        phase = .waiting(until: now.advanced(by: pause))
    }

    /// Either request came to nothing; the keys we have stay good.
    mutating func failed(at now: MonotonicInstant, random: some RandomSource) {
        assert(!isWaiting)
        phase = .waiting(until: now.advanced(by: backoff.next(random: random)))
    }
}
