import Loop
import Testing

@testable import Hub

@Suite("PollBacklog") struct PollBacklogTests {
    private func backlog() -> PollBacklog {
        var backlog = PollBacklog()
        for (text, expendability) in [
            ("answer ", Expendability.kept), ("one ", .droppable), ("a1 ", .about("a")),
            ("two ", .droppable), ("a2 ", .about("a")), ("end", .kept),
        ] {
            backlog.append(Array(text.utf8), expendability)
        }
        return backlog
    }

    private func text(_ backlog: consuming PollBacklog) -> String {
        var backlog = backlog
        return String(decoding: backlog.takeAll(), as: UTF8.self)
    }

    @Test func `all of it is taken, in order, and then nothing is left`() {
        var backlog = backlog()

        #expect(backlog.byteCount == 24)
        #expect(
            String(decoding: backlog.takeAll(), as: UTF8.self) == "answer one a1 two a2 end")
        #expect(backlog.byteCount == 0)
        #expect(backlog.takeAll().isEmpty)
    }

    @Test(arguments: [
        (24, 0, "answer one a1 two a2 end"), (23, 1, "answer a1 two a2 end"),
        (20, 1, "answer a1 two a2 end"), (19, 2, "answer two a2 end"), (0, 4, "answer end"),
    ])
    func `the oldest pushes are left out, and only until the rest fits`(
        byteCountMax: Int, count: Int, left: String
    ) {
        var backlog = backlog()

        #expect(backlog.drop(downTo: byteCountMax) == count)
        #expect(backlog.byteCount == left.utf8.count)
        #expect(text(backlog) == left)
    }

    @Test func `what is about a subject is left out once`() {
        var backlog = backlog()

        #expect(backlog.drop(about: .about("b")) == 0)
        #expect(backlog.drop(about: .about("a")) == 2)
        #expect(backlog.drop(about: .about("a")) == 0)
        #expect(text(backlog) == "answer one two end")
    }

    @Test func `one that is never fetched keeps as many as fit, however many come`() {
        var backlog = PollBacklog()
        var dropped = 0
        for number in 0..<10_000 {
            backlog.append(Array("\(number % 10)".utf8), .droppable)
            dropped += backlog.drop(downTo: 25)
        }

        #expect(dropped == 9975)
        #expect(text(backlog) == "5678901234567890123456789")
    }
}
