import Loop
import Testing

@testable import Hub

@Suite("GapWatch") struct GapWatchTests {
    @Test func `the first gap begins with the start and ends with the first complete ping`() {
        var watch = GapWatch(at: at(100))
        #expect(!watch.isWhole)
        let token = watch.ping(at: at(110), publishSerial: 3, isComplete: true)
        let proof = watch.pong(token)
        #expect(proof == GapWatch.Proof(publishSerial: 3, endedGap: at(100)))
        #expect(watch.isWhole)
    }

    @Test func `a gap begins when the last answered ping was sent, not when its answer came`() {
        var watch = whole(at: 110)
        let answered = watch.ping(at: at(120), publishSerial: 0, isComplete: true)
        _ = watch.pong(answered)
        _ = watch.ping(at: at(130), publishSerial: 0, isComplete: true)
        watch.disconnected()
        #expect(close(&watch, at: 140) == at(120))
    }

    @Test func `a ping from before the loss ends no gap, one from after does`() {
        var watch = whole(at: 110)
        let before = watch.ping(at: at(120), publishSerial: 7, isComplete: true)
        watch.lost()
        let after = watch.ping(at: at(130), publishSerial: 8, isComplete: true)
        let proofs = [watch.pong(before), watch.pong(after)]
        #expect(
            proofs == [
                GapWatch.Proof(publishSerial: 7, endedGap: nil),
                GapWatch.Proof(publishSerial: 8, endedGap: at(110)),
            ])
    }

    @Test func `a ping in front of some subscriptions ends no gap`() {
        var watch = GapWatch(at: at(100))
        let token = watch.ping(at: at(110), publishSerial: 0, isComplete: false)
        let proof = watch.pong(token)
        #expect(proof?.endedGap == nil)
        #expect(!watch.isWhole)
    }

    @Test func `a second loss keeps the begin of the gap`() {
        var watch = whole(at: 110)
        watch.disconnected()
        watch.lost()
        watch.disconnected()
        #expect(close(&watch, at: 200) == at(110))
        watch.disconnected()
        #expect(close(&watch, at: 300) == at(200))
    }

    @Test func `an answer to nothing, or from a lost connection, proves nothing`() {
        var watch = whole(at: 110)
        let token = watch.ping(at: at(120), publishSerial: 0, isComplete: true)
        watch.disconnected()
        let proofs = [watch.pong(token), watch.pong("x"), watch.pong("")]
        #expect(proofs == [nil, nil, nil])
        #expect(!watch.isWhole)
    }

    private func at(_ microseconds: Int64) -> WallTime { WallTime(microseconds: microseconds) }

    private func whole(at time: Int64) -> GapWatch {
        var watch = GapWatch(at: at(0))
        _ = close(&watch, at: time)
        return watch
    }

    private func close(_ watch: inout GapWatch, at time: Int64) -> WallTime? {
        let token = watch.ping(at: at(time), publishSerial: 0, isComplete: true)
        return watch.pong(token)?.endedGap
    }
}
