import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("PollQueue") struct PollQueueTests {
    private let clock = FakeClock()
    private var now: MonotonicInstant { clock.monotonicNow }
    private let answers = Monitor<[String]>([])

    @Test func `the first poll is answered when the connection can be reached`() {
        let queue = make()
        #expect(told() == [])
        queue.begin()
        queue.begin()
        #expect(told() == ["first 200 application/octet-stream "])
    }

    @Test func `what came between two polls goes out with the next, in one body`() {
        let queue = opened()
        for text in ["Hello", " ", "World"] { _ = queue.append(Array(text.utf8)) }

        #expect(poll(queue, "a"))
        #expect(told() == ["a 200 application/octet-stream Hello World"])
        #expect(queue.byteCount == 0)
    }

    @Test func `a poll that waits gets what comes`() {
        let queue = opened()
        #expect(!poll(queue, "a"))
        #expect(told() == [])
        _ = queue.append(Array("x".utf8))
        _ = queue.append(Array("y".utf8))
        #expect(told() == ["a 200 application/octet-stream x"])
        #expect(poll(queue, "b"))
        #expect(told().last == "b 200 application/octet-stream y")
    }

    @Test func `a newer poll ends the older one and loses nothing`() {
        let queue = opened()
        #expect(!poll(queue, "a"))
        #expect(!poll(queue, "b"))
        #expect(told() == ["a 204 text/plain "])
        _ = queue.append(Array("x".utf8))
        #expect(told().last == "b 200 application/octet-stream x")
    }

    @Test(arguments: [(89, 0), (90, 1)])
    func `a poll without anything to tell ends after 90 seconds`(seconds: Int, count: Int) {
        let queue = opened()
        _ = poll(queue, "a")
        clock.advance(by: .seconds(seconds))
        queue.expire(at: now)
        #expect(told() == Array(repeating: "a 200 text/plain ", count: count))
    }

    @Test func `the client is away while none of its polls waits`() {
        let queue = opened()
        clock.advance(by: .seconds(3))
        #expect(queue.idleTime(at: now) == .seconds(3))
        _ = poll(queue, "a")
        clock.advance(by: .seconds(30))
        #expect(queue.idleTime(at: now) == nil)
        queue.abandon("other", at: now)
        #expect(queue.idleTime(at: now) == nil)
        queue.abandon("a", at: now)
        #expect(queue.idleTime(at: now) == .zero)
        _ = queue.append(Array("kept".utf8))
        _ = poll(queue, "b")
        #expect(told().last == "b 200 application/octet-stream kept")
    }

    @Test func `what is left at the end goes out, and the next poll hears that it is over`() {
        let queue = opened()
        _ = queue.append(Array("bye".utf8))
        queue.finish()
        #expect(poll(queue, "a"))
        #expect(!queue.isDrained)
        #expect(poll(queue, "b"))
        #expect(queue.isDrained)
        #expect(told() == ["a 200 application/octet-stream bye", "b 204 text/plain "])
    }

    @Test func `a poll that waits at the end is over, and so is one at a delete`() {
        for (end, name) in [(PollQueue.finish, "a"), (PollQueue.delete, "b")] {
            let queue = opened()
            _ = poll(queue, name)
            end(queue)()
            #expect(queue.isDrained)
            #expect(told() == ["\(name) 204 text/plain "])
        }
    }

    @Test func `more than the mark that nobody fetches holds streams back`() {
        var options = HubOptions()
        options.waitingByteCountHigh = 4
        let queue = opened(options)
        _ = queue.append([1, 2, 3, 4])
        #expect(!queue.isBackpressured)
        _ = queue.append([5])
        #expect(queue.isBackpressured)
        _ = poll(queue, "a")
        #expect(!queue.isBackpressured)
    }

    private func make(_ options: HubOptions = HubOptions()) -> PollQueue {
        PollQueue(options: options, now: now, first: answer("first"))
    }

    private func opened(_ options: HubOptions = HubOptions()) -> PollQueue {
        let queue = make(options)
        queue.begin()
        answers.update { $0 = [] }
        return queue
    }

    private func poll(_ queue: PollQueue, _ name: String) -> Bool {
        queue.poll(name, at: now, answer: answer(name))
    }

    private func answer(_ name: String) -> PollQueue.Answer {
        { [answers] answer in
            let text = answer.map {
                "\($0.status) \($0.contentType) \(String(decoding: $0.body, as: UTF8.self))"
            }
            answers.update { $0.append("\(name) \(text ?? "nil")") }
        }
    }

    private func told() -> [String] { answers.withLock { $0 } }
}
