// Sampler: which traces are recorded.
//
//   parent? ──yes, and followed──▶ as the parent says
//      └──────no────────────────▶ always, never, or a share of the trace ids
//
// The share depends on the trace id alone, so all services with the same share keep the same traces.
//
// Thread: a pure value.  Allocates: never.
// Source: OpenTelemetry SDK, "Sampling": AlwaysOn, AlwaysOff, TraceIdRatioBased, ParentBased.

public struct Sampler: Equatable, Sendable {
    public enum Root: Equatable, Sendable {
        case always, never
        /// 0...1 of all traces.
        case ratio(Double)
    }

    /// For traces without a parent, or for all if parents are not followed.
    public var root: Root
    public var followsParent: Bool

    public init(_ root: Root = .always, followsParent: Bool = true) {
        self.root = root
        self.followsParent = followsParent
    }

    func samples(_ traceID: (high: UInt64, low: UInt64), parent: TraceContext?) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        switch root {
        case .always: return true
        case .never: return false
        case .ratio(let share):
            // 53 bits: a Double holds each of them, so none is rounded up to the bound.
            return Double(traceID.low >> 11) < share * 0x1p53
        }
    }
}
