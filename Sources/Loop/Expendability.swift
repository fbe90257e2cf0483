// Expendability: what may become of a payload that waits for a peer that does not read.
//
//   kept           sent, or its connection ends          answers, handshakes, pings
//   droppable      may be left out whole                 pushes
//   about(x)       the same, and worthless once a newer one about x waits behind it
//
// Thread: a pure value.  Allocates: never.

public struct Expendability: Equatable, Sendable {
    private let rawValue: UInt64

    public static let kept = Expendability(rawValue: 0)
    public static let droppable = Expendability(rawValue: 1)

    private init(rawValue: UInt64) { self.rawValue = rawValue }

    /// - Parameter subject: hashed with the process's secret, so that nobody can choose a name that
    ///   stands for another's.
    public static func about(_ subject: some StringProtocol) -> Expendability {
        Expendability(rawValue: UInt64(truncatingIfNeeded: subject.hashValue) | 1 << 63)
    }

    public var hasSubject: Bool { rawValue > 1 }
}
