import TestSupport
import Testing

@testable import Loop

@Suite struct RateTableTests {
    @Test func `each key has a bucket of its own`() {
        let table = RateTable(RateLimit(1, burst: 2), time: FakeClock())

        #expect(table.take("ann") == nil)
        #expect(table.take("ann") == nil)
        #expect(table.take("ann") != nil)
        #expect(table.take("bob") == nil)
    }

    @Test func `who is refused is told when the next token comes`() {
        let clock = FakeClock()
        let table = RateTable(RateLimit(1, per: .seconds(10), burst: 1), time: clock)
        _ = table.take("ann")

        clock.advance(by: .seconds(4))

        #expect(table.take("ann") == .seconds(6))
        clock.advance(by: .seconds(6))
        #expect(table.take("ann") == nil)
    }

    /// Four places: the fifth key takes that of whoever is nearest to full.
    @Test func `a new key pushes out the bucket with the least to forget`() {
        let clock = FakeClock()
        let table = RateTable(RateLimit(1, burst: 3), countMax: 4, time: clock)
        for key in 0..<4 {
            let count = key == 2 ? 1 : 3
            for _ in 0..<count { _ = table.take(key) }
        }

        #expect(table.take(4) == nil)

        for key in [0, 1, 3] { #expect(table.take(key) != nil) }
    }

    @Test func `a hundred thousand keys do not forgive one that is hard at it`() {
        let table = RateTable(RateLimit(1, burst: 50), countMax: 64, time: FakeClock())
        for _ in 0..<50 { _ = table.take("hard at it") }

        var forgivenCount = 0
        for key in 0..<100_000 {
            _ = table.take(key)
            if key % 1000 == 0, table.take("hard at it") == nil { forgivenCount += 1 }
        }

        // Strangers with one request each are always nearer to full.
        #expect(forgivenCount == 0)
    }
}
