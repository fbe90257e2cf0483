// TraceSource: gives every request of one loop its place in a trace.
//
// Recording or not, each request has one: problem bodies and logs name it.
//
// Thread: one loop.  Allocates: never.

/// They must not collide, but may be guessed, so one seed from the kernel is enough (SplitMix64).
struct TraceSource {
    private var state: UInt64
    /// Nil: nothing is recorded here.
    private let sampler: Sampler?

    init(seed: UInt64, sampler: Sampler? = nil) {
        state = seed
        self.sampler = sampler
    }

    /// Whether this process records spans at all.
    var isRecording: Bool { sampler != nil }

    /// A span of the caller's trace, or the first one of a new trace. Without a sampler the caller's
    /// decision is kept, and a new trace is not sampled.
    mutating func context(continuing parent: TraceContext?) -> TraceContext {
        let traceID = parent?.traceID ?? (high: next() | 1, low: next())
        let isSampled =
            sampler?.samples(traceID, parent: parent) ?? (parent?.isSampled ?? false)
        return TraceContext(traceID: traceID, spanID: next() | 1, isSampled: isSampled)
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
