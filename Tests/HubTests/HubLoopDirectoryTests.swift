import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("HubLoopDirectory") struct HubLoopDirectoryTests {
    @Test func `a message wakes the loops that hold a receiver, and no others`() throws {
        let loops = try ThreeLoops()
        loops.directory.enter([.user("ann"), .connection("a1")], loop: 0)
        loops.directory.enter([.user("ann"), .connection("a2")], loop: 2)
        loops.directory.enter([.user("bob"), .group("g")], loop: 1)

        let expectations: [(HubTarget, [Int])] = [
            (.user("ann"), [0, 2]), (.user("bob"), [1]), (.user("Ann"), []), (.group("g"), [1]),
            (.groupExcept("g", excluded: ["a1"]), [1]), (.connection("a2"), [2]),
            (.connections(["a1", "x", "a2"]), [0, 2]), (.users(["ann", "bob"]), [0, 1, 2]),
            (.groups(["x"]), []), (.allExcept(["a1"]), [0, 1, 2]),
        ]
        for (target, woken) in expectations {
            #expect(loops.woken(by: target) == woken, "\(target)")
        }
    }

    @Test func `what one loop only may hold is the first one's until it leaves`() throws {
        let loops = try ThreeLoops()
        let directory = loops.directory
        #expect(directory.enterAlone(.transport("s"), loop: 1))
        #expect(!directory.enterAlone(.transport("s"), loop: 1))
        #expect(!directory.enterAlone(.transport("s"), loop: 2))
        #expect(directory.enterAlone(.transport("t"), loop: 2))
        directory.leave([.transport("s")], loop: 1)
        #expect(directory.enterAlone(.transport("s"), loop: 2))
    }

    @Test func `who has left as often as he came is not there any more`() throws {
        let loops = try ThreeLoops()
        for loop in [0, 0, 1] { loops.directory.enter([.user("ann")], loop: loop) }
        loops.directory.leave([.user("ann")], loop: 0)
        #expect(loops.woken(by: .user("ann")) == [0, 1])
        loops.directory.leave([.user("ann")], loop: 0)
        #expect(loops.woken(by: .user("ann")) == [1])
        #expect(loops.directory.users == ["ann"])
        loops.directory.leave([.user("ann")], loop: 1)
        #expect(loops.woken(by: .user("ann")) == [])
        #expect(!loops.directory.holds(.user("ann")))
        #expect(loops.directory.users == [])
    }

    @Test func `a join on its way to a loop counts until the loop has done it`() throws {
        let loops = try ThreeLoops()
        let join = HubCaller.Request.join(group: "g", done: {})
        loops.directory.announce(join, loop: 2)
        #expect(loops.woken(by: .group("g")) == [2])
        loops.directory.enter([.group("g")], loop: 2)
        loops.directory.withdraw(join, loop: 2)
        #expect(loops.woken(by: .group("g")) == [2])
        loops.directory.leave([.group("g")], loop: 2)
        #expect(loops.woken(by: .group("g")) == [])
    }

    @Test func `a change goes to the loop of its connection, or nowhere`() throws {
        let loops = try ThreeLoops()
        loops.directory.enter([.connection("a")], loop: 1)
        let (here, elsewhere) = (
            GroupChange(connectionID: "a", group: "g", isJoin: true),
            GroupChange(connectionID: "b", group: "g", isJoin: true)
        )
        let found = [here, elsewhere].map { loops.directory.apply($0, done: {}) }
        #expect(found == [true, false])
        #expect(loops.woken(by: .group("g")) == [1])
    }

    @Test func `loops 64 apart share a place, so that none is left out`() {
        var set = LoopSet(3)
        set.insert(70)
        let members = (0..<140).filter { set.contains($0) }
        #expect(members == [3, 6, 67, 70, 131, 134])
        #expect(LoopSet().isEmpty && !set.isEmpty && LoopSet.all.contains(63))
    }
}

/// Three loops that write down what reaches them.
private final class ThreeLoops {
    private struct Arrival: Sendable {
        let loop: Int
        let target: HubTarget
    }

    let directory = HubLoopDirectory()
    private let arrivals = Monitor<[Arrival]>([])
    private let group = LoopGroup()

    init() throws {
        try group.start(count: 3, limits: Limits()) { [directory, arrivals] reactor, number in
            let mailbox = reactor.makeMailbox(of: HubLoopMessage.self) { message in
                guard case .deliver(let target, _) = message else { return }
                arrivals.update { $0.append(Arrival(loop: number, target: target)) }
            }
            _ = directory.add(mailbox)
        }
    }

    deinit { group.stop() }

    /// Sends to `target`, and then to everybody: behind that nothing more of the first can come.
    func woken(by target: HubTarget) -> [Int] {
        arrivals.update { $0 = [] }
        let invocation = EncodedInvocation(target: "T", arguments: [])
        directory.deliver(invocation, to: target)
        directory.deliver(invocation, to: .all)
        let all = arrivals.wait(atMost: .seconds(30)) { arrivals in
            arrivals.count { $0.target == .all } == 3 ? arrivals : nil
        }
        return (all ?? []).filter { $0.target == target }.map(\.loop).sorted()
    }
}
