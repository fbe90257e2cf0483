import Loop
import Testing

@testable import Hub

@Suite("UnsentAnswers") struct UnsentAnswersTests {
    @Test func `what is kept comes out once, in order, without what is too old`() {
        var unsent = UnsentAnswers(byteCountMax: 100)
        let kept = [("a", 10), ("b", 5), ("c", 11)].map { unsent.keep(answer($0.0, until: $0.1)) }
        #expect(kept == [true, true, true])
        #expect(unsent.takeAll(at: at(5)).map(\.channel) == ["a", "c"])
        #expect(unsent.takeAll(at: at(5)).isEmpty)
    }

    @Test(arguments: [(3, true), (4, true), (5, false)])
    func `there is room for as many bytes as allowed`(byteCount: Int, isKept: Bool) {
        var unsent = UnsentAnswers(byteCountMax: 10)
        let first = unsent.keep(answer("a", until: 10, byteCount: 6))
        let second = unsent.keep(answer("b", until: 10, byteCount: byteCount))
        #expect(first && second == isKept)
        _ = unsent.takeAll(at: at(1))
        let again = unsent.keep(answer("c", until: 10, byteCount: 10))
        #expect(again)
    }

    private func at(_ seconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    private func answer(
        _ channel: String, until seconds: Int, byteCount: Int = 1
    ) -> UnsentAnswers.Answer {
        UnsentAnswers.Answer(
            payload: Array(repeating: 0, count: byteCount), channel: channel,
            deadline: at(UInt64(seconds)))
    }
}
