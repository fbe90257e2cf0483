// MicroCase: one of the smallest parts, alone, and what it must give.
//
//   prepare ──▶ body ──(operation count)──▶ sum of what the operations gave
//      once                                    == expected(operation count), or nothing was measured
//
// The body has the loop in itself, so that nothing is measured but the part and an addition.
//
// Thread: one.  Allocates: in `prepare`; the body what the part allocates.

struct MicroCase: Sendable {
    enum Clock: String, Codable, Sendable {
        /// The thread's: stands still while others have the core, so a busy machine disturbs less.
        case processor
        /// The wall's, for what waits for the disk.
        case wall
    }

    /// Runs so many operations and sums up what they gave.
    typealias Body = (_ operationCount: Int) -> UInt64

    /// `area.part.input`.
    let name: String
    /// Bytes one operation works through; 0 where they are not the point.
    let byteCount: Int
    /// Which clock shows what an operation costs.
    let clock: Clock
    /// What the body must return.
    let expected: @Sendable (_ operationCount: UInt64) -> UInt64
    /// Makes the inputs; not measured.
    let prepare: @Sendable () throws -> Body

    init(
        _ name: String, byteCount: Int = 0, clock: Clock = .processor,
        expecting expected: @escaping @Sendable (_ operationCount: UInt64) -> UInt64,
        prepare: @escaping @Sendable () throws -> Body
    ) {
        self.name = name
        self.byteCount = byteCount
        self.clock = clock
        self.expected = expected
        self.prepare = prepare
    }

    /// Each operation gives the same.
    init(
        _ name: String, byteCount: Int = 0, clock: Clock = .processor, each: Int,
        prepare: @escaping @Sendable () throws -> Body
    ) {
        self.init(
            name, byteCount: byteCount, clock: clock, expecting: { $0 &* UInt64(each) },
            prepare: prepare)
    }

    static let all: [MicroCase] =
        httpCases + frameCases + textCases + hubCases + messagePackCases + wireCases
        + backplaneCases
        + tokenCases + timerCases + mailboxCases + outboundCases + orderCases
}
