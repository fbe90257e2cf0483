import Loop
import Testing

@testable import Hub

@Suite("Resumption") struct ResumptionTests {
    @Test func `messages are numbered only once the client speaks version 2`() {
        let resumption = Resumption(byteCountHigh: 10)
        resumption.send([1], as: .text, isTracked: true)
        #expect(resumption.byteCount == 0)
        resumption.enable(.text)
        resumption.send([1], as: .text, isTracked: true)
        resumption.send([2], as: .text, isTracked: false)
        #expect(resumption.byteCount == 1)
    }

    @Test func `what is acknowledged is let go, once, and never more than was sent`() {
        let resumption = sent(3)
        #expect(resumption.acknowledged(2))
        #expect(resumption.byteCount == 4)
        #expect(!resumption.acknowledged(2))
        #expect(!resumption.acknowledged(1))
        #expect(!resumption.acknowledged(-1))
        #expect(resumption.acknowledged(99))
        #expect(resumption.byteCount == 0)
        resumption.send([7], as: .text, isTracked: true)
        #expect(resumption.acknowledged(4))
    }

    @Test func `streams wait above the mark`() {
        let resumption = Resumption(byteCountHigh: 8)
        resumption.enable(.text)
        resumption.send([1, 2, 3, 4, 5, 6, 7, 8], as: .text, isTracked: true)
        #expect(!resumption.isBackpressured)
        resumption.send([9], as: .text, isTracked: true)
        #expect(resumption.isBackpressured)
        #expect(resumption.acknowledged(1))
        #expect(!resumption.isBackpressured)
    }

    @Test func `many messages are let go in the order they were sent`() {
        let resumption = sent(1000)
        for number in 1...1000 {
            #expect(resumption.acknowledged(Int64(number)))
            #expect(resumption.byteCount == 4 * (1000 - number))
        }
    }

    @Test func `after a Sequence what was handled is dropped and the rest is new`() {
        let resumption = sent(0)
        #expect((1...3).map { _ in resumption.received() } == [.new, .new, .new])
        #expect(resumption.received(sequence: 2))
        #expect((2...5).map { _ in resumption.received() } == [.repeated, .repeated, .new, .new])
    }

    @Test(arguments: [(4, true), (5, false)])
    func `a Sequence must not leave a gap`(number: Int64, isGood: Bool) {
        let resumption = sent(0)
        for _ in 1...3 { _ = resumption.received() }
        #expect(resumption.received(sequence: number) == isGood)
    }

    @Test func `nothing is acknowledged without a socket`() {
        let resumption = sent(0)
        _ = resumption.received()
        #expect(resumption.takeAcknowledgement() == nil)
    }

    private func sent(_ count: Int) -> Resumption {
        let resumption = Resumption(byteCountHigh: 100_000)
        resumption.enable(.text)
        for _ in 0..<count { resumption.send([1, 2, 3, 4], as: .text, isTracked: true) }
        return resumption
    }
}
