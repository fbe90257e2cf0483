import Testing

@testable import Loop

@Suite struct OutboundBudgetTests {
    private static let mebibyte = 1 << 20

    @Test func `a loop tells in steps, and the rest when it holds nothing`() {
        let budget = OutboundBudget(byteCountMax: Self.mebibyte, loopCount: 1)
        var account = OutboundAccount(budget)

        account.settle(OutboundAccount.step - 1)
        #expect(budget.byteCount == 0)
        account.settle(OutboundAccount.step)
        #expect(budget.byteCount == OutboundAccount.step)
        account.settle(1)
        #expect(budget.byteCount == OutboundAccount.step)
        account.settle(0)
        #expect(budget.byteCount == 0)
    }

    @Test func `only a loop above its share gives up, and somebody always does`() {
        let budget = OutboundBudget(byteCountMax: 16 * Self.mebibyte, loopCount: 2)
        var small = OutboundAccount(budget)
        var large = OutboundAccount(budget)

        small.tell(2 * Self.mebibyte)
        large.tell(15 * Self.mebibyte)
        small.settle(2 * Self.mebibyte)

        #expect(small.isOverdrawn && large.isOverdrawn)
        #expect(small.excess(2 * Self.mebibyte) <= 0)
        // Down to fifteen sixteenths of the whole.
        #expect(large.excess(15 * Self.mebibyte) == 2 * Self.mebibyte)
        large.tell(13 * Self.mebibyte)
        #expect(!large.isOverdrawn)
        #expect(large.excess(13 * Self.mebibyte) == 0)
    }

    @Test func `two that hold the same give up the same, and then have room`() {
        let budget = OutboundBudget(byteCountMax: 16 * Self.mebibyte, loopCount: 2)
        var accounts = [OutboundAccount(budget), OutboundAccount(budget)]
        var held = [9 * Self.mebibyte, 9 * Self.mebibyte]
        for number in accounts.indices { accounts[number].tell(held[number]) }
        for number in accounts.indices {
            accounts[number].settle(held[number])
            held[number] -= max(0, accounts[number].excess(held[number]))
            accounts[number].tell(held[number])
        }

        #expect(budget.byteCount <= 16 * Self.mebibyte)
        #expect(held.allSatisfy { $0 >= 7 * Self.mebibyte })
    }
}
