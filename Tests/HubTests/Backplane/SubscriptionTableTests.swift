import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("SubscriptionTable") struct SubscriptionTableTests {
    private typealias Table = SubscriptionTable<String, Int>

    @Test func `the first member subscribes, the last one unsubscribes`() {
        var table = connected()
        #expect(acquire(&table, ["c"], 1) == .waiting)
        #expect(table.flush(underWayMax: 100) == Table.Commands(subscribe: ["c"]))
        #expect(table.subscribed("c") == [1])
        #expect(acquire(&table, ["c"], 2) == .ready)
        #expect(table.flush(underWayMax: 100).isEmpty)

        #expect(table.release(["c"]) == [])
        #expect(table.flush(underWayMax: 100).isEmpty)
        #expect(table.isSubscribed("c"))
        #expect(table.release(["c"]) == [])
        #expect(table.flush(underWayMax: 100) == Table.Commands(unsubscribe: ["c"]))
        table.unsubscribed("c")
        #expect(table.channelCount == 0)
    }

    @Test func `a waiter is told once, when the last of its channels is confirmed`() {
        var table = connected()
        #expect(acquire(&table, ["a", "b"], 1) == .waiting)
        #expect(acquire(&table, ["b"], 2) == .waiting)
        #expect(Set(table.flush(underWayMax: 100).subscribe) == ["a", "b"])
        #expect(table.subscribed("b") == [2])
        #expect(table.subscribed("b") == [])
        #expect(table.subscribed("a") == [1])
    }

    @Test func `a leave and a join between two flushes send nothing`() {
        var table = connected()
        subscribe(&table, "c")
        #expect(table.release(["c"]) == [])
        #expect(acquire(&table, ["c"], 2) == .ready)
        #expect(table.flush(underWayMax: 100).isEmpty)
        #expect(table.isSubscribed("c"))
    }

    @Test func `R19: a join behind an UNSUBSCRIBE under way subscribes again after it`() {
        var table = connected()
        subscribe(&table, "c")
        _ = table.release(["c"])
        #expect(table.flush(underWayMax: 100) == Table.Commands(unsubscribe: ["c"]))
        #expect(acquire(&table, ["c"], 2) == .waiting)
        #expect(table.flush(underWayMax: 100).isEmpty)
        #expect(!table.isSubscribed("c"))

        table.unsubscribed("c")
        #expect(table.flush(underWayMax: 100) == Table.Commands(subscribe: ["c"]))
        #expect(table.subscribed("c") == [2])
        #expect(table.isSubscribed("c"))
    }

    @Test func `a leave behind a SUBSCRIBE under way unsubscribes after it`() {
        var table = connected()
        #expect(acquire(&table, ["c"], 1) == .waiting)
        _ = table.flush(underWayMax: 100)
        // Whoever waited is told, as there is nothing to wait for.
        #expect(table.release(["c"]) == [1])
        #expect(table.flush(underWayMax: 100).isEmpty)
        #expect(table.subscribed("c") == [])
        #expect(table.flush(underWayMax: 100) == Table.Commands(unsubscribe: ["c"]))
    }

    @Test func `a join and a leave before the first flush send nothing`() {
        var table = connected()
        #expect(acquire(&table, ["c"], 1) == .waiting)
        #expect(table.release(["c"]) == [1])
        #expect(table.channelCount == 0)
        #expect(table.flush(underWayMax: 100).isEmpty)
    }

    @Test func `without a connection nobody waits, and everything is subscribed when it is back`() {
        var table = Table()
        #expect(acquire(&table, ["a", "b"], 1) == .ready)
        #expect(table.flush(underWayMax: 100).isEmpty)

        table.connected()
        #expect(Set(table.flush(underWayMax: 100).subscribe) == ["a", "b"])
        #expect(table.underWayCount == 2)
        _ = table.subscribed("a")
        _ = table.subscribed("b")
        #expect(table.underWayCount == 0)
    }

    @Test func `no more are under way than allowed, and the rest follows, the latest first`() {
        var table = Table()
        for number in 0..<5 { #expect(acquire(&table, ["c\(number)"], 0) == .ready) }
        table.connected()
        let first = table.flush(underWayMax: 2).subscribe
        #expect(first.count == 2)
        #expect(table.flush(underWayMax: 2).isEmpty)
        #expect(acquire(&table, ["new"], 1) == .waiting)
        _ = table.subscribed(first[0])
        #expect(table.flush(underWayMax: 2).subscribe == ["new"])
        #expect(table.subscribed("new") == [1])
        #expect(table.flush(underWayMax: 100).subscribe.count == 3)
        #expect(!table.hasChanges)
    }

    @Test func `a refused SUBSCRIBE keeps nobody waiting and is tried again`() {
        var table = connected()
        subscribe(&table, "good")
        #expect(acquire(&table, ["bad"], 1) == .waiting)
        #expect(acquire(&table, ["left"], 2) == .waiting)
        _ = table.flush(underWayMax: 100)
        _ = table.release(["left"])
        #expect(table.refused() == [1])
        #expect(table.underWayCount == 0)
        #expect(table.isSubscribed("good") && !table.isSubscribed("bad"))
        #expect(table.flush(underWayMax: 100) == Table.Commands(subscribe: ["bad"]))
        #expect(table.subscribed("bad") == [])
        #expect(table.isSubscribed("bad"))
        #expect(table.channelCount == 2)
    }

    @Test func `who waits for a server that does not answer can be let go`() {
        var table = connected()
        #expect(acquire(&table, ["c"], 1) == .waiting)
        _ = table.flush(underWayMax: 100)
        #expect(table.stopWaiting() == [1])
        #expect(table.subscribed("c") == [])
        #expect(table.isSubscribed("c"))
    }

    @Test func `a lost connection tells all waiters and forgets what nobody needs`() {
        var table = connected()
        subscribe(&table, "kept")
        subscribe(&table, "left")
        _ = table.release(["left"])
        _ = table.flush(underWayMax: 100)
        #expect(acquire(&table, ["new"], 7) == .waiting)
        _ = table.flush(underWayMax: 100)

        #expect(table.disconnected() == [7])
        #expect(!table.isSubscribed("kept"))
        #expect(table.channelCount == 2)
        table.connected()
        #expect(Set(table.flush(underWayMax: 100).subscribe) == ["kept", "new"])
    }

    /// Plays a server that executes commands in order and confirms them later, against a model that
    /// counts members only.
    @Test(arguments: 0..<20)
    func `whatever happens, in the end exactly the needed channels are subscribed`(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var table = Table()
        var needed: [String: Int] = [:]
        var server: Set<String> = []
        var confirmations: [(isSubscribe: Bool, channel: String)] = []
        var isConnected = false
        func flush() {
            let commands = table.flush(underWayMax: 3)
            #expect(Set(commands.subscribe).isDisjoint(with: server))
            #expect(Set(commands.unsubscribe).isSubset(of: server))
            server.formUnion(commands.subscribe)
            server.subtract(commands.unsubscribe)
            confirmations += commands.subscribe.map { (true, $0) }
            confirmations += commands.unsubscribe.map { (false, $0) }
        }
        func confirm() {
            guard !confirmations.isEmpty else { return }
            let next = confirmations.removeFirst()
            if next.isSubscribe {
                _ = table.subscribed(next.channel)
            } else {
                table.unsubscribed(next.channel)
            }
        }
        for step in 0..<2000 {
            let channel = "c\(random.below(5))"
            switch random.below(20) {
            case 0..<7:
                _ = table.acquire([channel], waiter: step)
                needed[channel, default: 0] += 1
            case 7..<13:
                guard needed[channel, default: 0] > 0 else { continue }
                _ = table.release([channel])
                needed[channel]! -= 1
            case 13..<16: flush()
            case 16..<19: confirm()
            default:
                if isConnected { _ = table.disconnected() } else { table.connected() }
                isConnected.toggle()
                (server, confirmations) = ([], [])
            }
        }
        if !isConnected { table.connected() }
        while table.hasChanges || !confirmations.isEmpty {
            flush()
            confirm()
        }
        let expected = Set(needed.filter { $0.value > 0 }.keys)
        #expect(server == expected)
        #expect(table.channelCount == expected.count)
        #expect(table.underWayCount == 0)
        #expect(expected.allSatisfy { table.isSubscribed($0) })
    }

    private func connected() -> Table {
        var table = Table()
        table.connected()
        return table
    }

    private enum Acquired { case ready, waiting }

    private func acquire(
        _ table: inout Table, _ channels: [String], _ waiter: Int
    ) -> Acquired {
        table.acquire(channels, waiter: waiter) ? .waiting : .ready
    }

    private func subscribe(_ table: inout Table, _ channel: String) {
        _ = table.acquire([channel], waiter: 0)
        _ = table.flush(underWayMax: 100)
        _ = table.subscribed(channel)
    }
}
