import Loop
import Testing

@testable import Hub

/// A session, and what its callers were told, in order.
private final class Bench {
    var session: RedisSession
    var told: [String] = []

    init(inFlightCountMax: Int = 100) {
        session = RedisSession(inFlightCountMax: inFlightCountMax, replyByteCountMax: 1024)
    }

    // A session cannot be copied into an expectation, these can.
    var inFlightCount: Int { session.inFlightCount }
    var isStalled: Bool { session.isStalled }
    var nextDeadline: MonotonicInstant? { session.nextDeadline }
    var serverError: RedisServerError? { session.serverError }

    @discardableResult func add(_ name: String, at milliseconds: UInt64 = 100) -> Bool {
        let answer = RedisAnswer.one { [unowned self] in told.append("\(name): \(Self.text($0))") }
        return session.add(answer, commandCount: 1, deadline: instant(milliseconds))
    }

    @discardableResult func addBatch(
        _ name: String, count: Int, at milliseconds: UInt64 = 100
    ) -> Bool {
        let answer = RedisAnswer.batch { [unowned self] result in
            switch result {
            case .success(let replies):
                told.append("\(name): \(replies.map { Self.text(.success($0)) })")
            case .failure(let error): told.append("\(name): \(error)")
            }
        }
        return session.add(answer, commandCount: count, deadline: instant(milliseconds))
    }

    func feed(_ text: String) throws { try feed(Array(text.utf8)[...]) }

    func feed(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { try session.feed($0) }
        while let completion = try session.next() { completion.deliver() }
    }

    func expire(at milliseconds: UInt64) {
        for answer in session.expire(at: instant(milliseconds)) {
            answer.fail(.timedOut(reason: "late"))
        }
    }

    private static func text(_ result: Result<RedisReply, RedisError>) -> String {
        switch result {
        case .success(.error(let error)): error.description
        case .success(let reply): reply.text ?? "\(reply)"
        case .failure(let error): "\(error)"
        }
    }
}

private func instant(_ milliseconds: UInt64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
}

@Suite("RedisSession") struct RedisSessionTests {
    @Test func `replies go to the commands in their order, split at every byte`() throws {
        let stream = Array("+A\r\n$1\r\nB\r\n+C\r\n+D\r\n-ERR E\r\n".utf8)
        for split in 0...stream.count {
            let bench = Bench()
            bench.add("a")
            bench.addBatch("b", count: 3)
            bench.add("e")

            try bench.feed(stream[..<split])
            try bench.feed(stream[split...])

            #expect(
                bench.told == [
                    "a: A", #"b: ["B", "C", "D"]"#, "e: redis refused the command: ERR E",
                ], "split at \(split)")
            #expect(bench.inFlightCount == 0)
        }
    }

    @Test func `a batch sees the errors among its replies`() throws {
        let bench = Bench()
        bench.addBatch("b", count: 2)
        try bench.feed("-ERR x\r\n+OK\r\n")
        #expect(bench.told == [#"b: ["ERR x", "OK"]"#])
    }

    @Test func `a late reply is never given to the next command`() throws {
        let bench = Bench()
        bench.add("late", at: 100)
        bench.add("next", at: 200)
        bench.expire(at: 99)
        #expect(bench.told.isEmpty && !bench.isStalled)

        bench.expire(at: 100)
        #expect(bench.told == ["late: late"])
        #expect(bench.isStalled)
        #expect(bench.nextDeadline == instant(200))

        try bench.feed("+old\r\n")
        #expect(bench.told.count == 1 && !bench.isStalled)
        try bench.feed("+new\r\n")
        #expect(bench.told.last == "next: new")
    }

    @Test func `a batch may expire when some of its replies have come`() throws {
        let bench = Bench()
        bench.addBatch("b", count: 3, at: 100)
        bench.add("next", at: 300)
        try bench.feed("+1\r\n")
        bench.expire(at: 100)
        try bench.feed("+2\r\n+3\r\n+n\r\n")
        #expect(bench.told == ["b: late", "next: n"])
    }

    @Test func `a full row takes no more, and takes again when a reply has come`() throws {
        let bench = Bench(inFlightCountMax: 3)
        #expect(bench.addBatch("a", count: 2))
        #expect(!bench.addBatch("b", count: 2))
        #expect(bench.add("c"))
        #expect(!bench.add("d"))
        // An expired command still has its place.
        bench.expire(at: 100)
        #expect(!bench.add("e"))
        try bench.feed("+1\r\n")
        #expect(bench.add("f"))
        #expect(bench.inFlightCount == 3)
    }

    @Test func `whoever waits when the connection breaks is told`() throws {
        let bench = Bench()
        bench.addBatch("a", count: 2)
        bench.add("b", at: 50)
        bench.add("c")
        try bench.feed("+1\r\n")
        bench.expire(at: 50)
        for answer in bench.session.takeAll() { answer.fail(.unavailable(reason: "gone")) }
        #expect(bench.told == ["b: late", "a: gone", "c: gone"])
        #expect(bench.inFlightCount == 0 && bench.nextDeadline == nil)
    }

    @Test func `a reply nobody asked for ends the trust`() {
        let bench = Bench()
        #expect(throws: RedisProtocolError.self) { try bench.feed("+x\r\n") }
    }

    @Test func `an error that concerns the server is kept`() throws {
        let bench = Bench()
        bench.add("a")
        bench.add("b")
        try bench.feed("-WRONGTYPE x\r\n")
        #expect(bench.serverError == nil)
        try bench.feed("-READONLY you\r\n")
        #expect(bench.serverError?.code == "READONLY")
    }

    @Test func `the row follows thousands of commands with some always waiting`() throws {
        let bench = Bench(inFlightCountMax: 301)
        for number in 0..<300 { bench.add("\(number)") }
        for number in 300..<5000 {
            #expect(bench.add("\(number)"))
            try bench.feed("+r\(number - 300)\r\n")
        }
        #expect(bench.inFlightCount == 300)
        #expect(bench.told == (0..<4700).map { "\($0): r\($0)" })
    }
}
