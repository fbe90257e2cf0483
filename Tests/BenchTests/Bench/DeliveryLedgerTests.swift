import Testing

@testable import bench

@Suite struct DeliveryLedgerTests {
    private var ledger = DeliveryLedger()
    private var expected: UInt32 = 0

    private mutating func take(_ sequences: UInt32...) -> [DeliveryLedger.Verdict] {
        sequences.map { ledger.take($0, of: 1, expected: &expected) }
    }

    @Test mutating func `in order each is delivered once, and nothing is lost`() {
        let verdicts = take(0, 1, 2)

        #expect(verdicts == [.delivered, .delivered, .delivered])
        #expect(ledger.lostCount(publishedCount: 3, expected: [expected]) == 0)
    }

    @Test mutating func `a second receipt is a duplicate, also of one that came late`() {
        let verdicts = take(0, 0, 2, 1, 1, 2)

        #expect(
            verdicts == [
                .delivered, .duplicate, .delivered, .reordered, .duplicate, .duplicate,
            ])
    }

    @Test mutating func `what is skipped is missing until it comes`() {
        let early = take(0, 3)
        let missingCount = ledger.missingCount
        let late = take(2, 1)

        #expect(early == [.delivered, .delivered])
        #expect(missingCount == 2)
        #expect(late == [.reordered, .reordered])
        #expect(ledger.missingCount == 0)
    }

    @Test mutating func `gaps and a missing end are lost`() {
        _ = take(0, 2, 3)

        #expect(ledger.lostCount(publishedCount: 6, expected: [expected]) == 3)
    }

    @Test func `a connection that got nothing has lost everything`() {
        #expect(DeliveryLedger().lostCount(publishedCount: 5, expected: [0, 5, 4]) == 6)
    }

    @Test mutating func `connections do not mix`() {
        var other: UInt32 = 0
        _ = take(0, 2)
        let first = ledger.take(0, of: 2, expected: &other)
        let second = ledger.take(1, of: 2, expected: &other)

        #expect([first, second] == [.delivered, .delivered])
        #expect(ledger.missingCount == 1)
    }
}
