import Loop
import Testing

@testable import Hub

@Suite("RemoteCalls") struct RemoteCallsTests {
    private typealias Calls = RemoteCalls<Int>
    private let a = BackplaneScope.connection("a")
    private let b = BackplaneScope.transport("b")

    // MARK: Calls

    @Test func `an answer is for one call and is used up`() {
        var calls = waiting([(.question("q"), a), (.change(1), a), (.request("q"), b)])
        #expect(calls.take(.request("q")) == 2)
        #expect(calls.take(.request("q")) == nil)
        #expect(calls.take(.change(2)) == nil)
        #expect(Set(calls.takeAll()) == [0, 1])
        #expect(calls.isEmpty)
    }

    @Test func `only group changes have a deadline while pods are watched`() {
        var calls = Calls(blindTimeMax: .seconds(2))
        calls.add(.change(1), 1, heldBy: a, deadline: at(10), unwatchedDeadline: at(10))
        calls.add(.question("q"), 2, heldBy: a, deadline: nil, unwatchedDeadline: at(10))
        #expect(calls.takeOverdue(at: at(9)) == [])
        #expect(calls.takeOverdue(at: at(10)) == [1])
        #expect(calls.takeOverdue(at: at(1000)) == [])
    }

    @Test func `R33: where counting is refused each call has its own deadline`() {
        var calls = Calls(blindTimeMax: .seconds(2))
        calls.add(.question("q"), 1, heldBy: a, deadline: nil, unwatchedDeadline: at(30))
        calls.add(.request("p"), 2, heldBy: b, deadline: nil, unwatchedDeadline: at(120))
        _ = calls.beginRound(at: at(1))
        calls.roundRefused()
        #expect(calls.isRefused)
        #expect(calls.beginRound(at: at(2)) == [])
        #expect(calls.takeOverdue(at: at(29)) == [])
        #expect(calls.takeOverdue(at: at(30)) == [1])
        #expect(calls.takeOverdue(at: at(120)) == [2])
    }

    @Test func `a new connection is asked again`() {
        var calls = waiting([(.question("q"), a)])
        _ = calls.beginRound(at: at(1))
        calls.roundRefused()
        calls.connected()
        #expect(calls.beginRound(at: at(2)) == [a])
    }

    // MARK: Rounds

    @Test func `twice in a row without a listener is the end`() {
        var calls = waiting([(.question("q"), a), (.change(1), a), (.request("r"), b)])
        #expect(round(&calls, listening: [b]) == [])
        #expect(round(&calls, listening: [b]) == [0, 1])
        #expect(round(&calls, listening: [b]) == [])
        #expect(!calls.isEmpty)
    }

    @Test func `a pod that has come back in between is given its two rounds again`() {
        var calls = waiting([(.question("q"), a)])
        #expect(round(&calls, listening: []) == [])
        #expect(round(&calls, listening: [a]) == [])
        #expect(round(&calls, listening: []) == [])
        #expect(round(&calls, listening: []) == [0])
    }

    @Test func `a round says nothing of calls that were made behind it`() {
        var calls = waiting([(.question("q"), a)])
        #expect(round(&calls, listening: []) == [])
        let asked = calls.beginRound(at: at(1))
        add(&calls, .question("late"), 7, a)
        #expect(calls.roundAnswered(asked.map { _ in 0 }) == [0])
        #expect(round(&calls, listening: []) == [])
        #expect(round(&calls, listening: []) == [7])
    }

    @Test func `each channel is asked about once, and only one round is under way`() {
        var calls = waiting([(.question("q"), a), (.question("p"), a), (.request("r"), b)])
        let asked = calls.beginRound(at: at(1))
        #expect(asked.count == 2 && Set(asked) == [a, b])
        #expect(calls.beginRound(at: at(2)) == [])
        #expect(calls.roundAnswered([1, 1]) == [])
        #expect(calls.beginRound(at: at(3)).count == 2)
    }

    @Test func `nothing is asked while nothing waits`() {
        var calls = waiting([])
        #expect(calls.beginRound(at: at(1)) == [])
    }

    // MARK: Blindness

    @Test func `rounds without an answer end everything only after a while`() {
        var calls = waiting([(.question("q"), a)])
        #expect(!failRound(&calls, from: 10, to: 10))
        #expect(!failRound(&calls, from: 11, to: 11))
        #expect(failRound(&calls, from: 12, to: 12))
        // It begins anew.
        #expect(!failRound(&calls, from: 13, to: 13))
    }

    @Test func `one round that is not answered for so long is enough`() {
        var calls = waiting([(.question("q"), a)])
        #expect(failRound(&calls, from: 10, to: 12))
    }

    @Test func `an answered round, or a time without calls, is a new begin`() {
        var calls = waiting([(.question("q"), a)])
        #expect(!failRound(&calls, from: 10, to: 10))
        #expect(round(&calls, listening: [a]) == [])
        #expect(!failRound(&calls, from: 12, to: 12))
        _ = calls.takeAll()
        add(&calls, .question("p"), 1, a)
        #expect(!failRound(&calls, from: 100, to: 101))
    }

    // MARK: Help

    private func at(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: UInt64(seconds) * 1_000_000_000)
    }

    private func add(
        _ calls: inout Calls, _ id: RemoteCallID, _ waiter: Int, _ holder: BackplaneScope
    ) {
        calls.add(id, waiter, heldBy: holder, deadline: nil, unwatchedDeadline: at(1000))
    }

    /// The waiters are the calls' positions.
    private func waiting(_ ids: [(RemoteCallID, BackplaneScope)]) -> Calls {
        var calls = Calls(blindTimeMax: .seconds(2))
        for (waiter, (id, holder)) in ids.enumerated() { add(&calls, id, waiter, holder) }
        return calls
    }

    private func round(_ calls: inout Calls, listening: Set<BackplaneScope>) -> Set<Int> {
        let asked = calls.beginRound(at: at(1))
        return Set(calls.roundAnswered(asked.map { listening.contains($0) ? 3 : 0 }))
    }

    private func failRound(_ calls: inout Calls, from begin: Int64, to end: Int64) -> Bool {
        #expect(!calls.beginRound(at: at(begin)).isEmpty)
        return calls.roundFailed(at: at(end))
    }
}
