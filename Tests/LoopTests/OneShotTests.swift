import Testing

@testable import Loop

@Suite struct OneShotTests {
    private func make() -> (OneShot<String>, Monitor<[String]>) {
        let delivered = Monitor<[String]>([])
        let shot = OneShot(abandoned: "abandoned") { value in
            delivered.update { $0.append(value) }
        }
        return (shot, delivered)
    }

    @Test func `a value given inside the call is taken and not delivered`() {
        let (shot, delivered) = make()
        #expect(shot.give("inside"))
        #expect(shot.callReturned() == "inside")
        #expect(delivered.withLock { $0 } == [])
    }

    @Test func `a value given later is delivered once, from any thread`() {
        let (shot, delivered) = make()
        #expect(shot.callReturned() == nil)
        let accepted = Monitor(0)
        let threads = (0..<4).map { number in
            NativeThread(name: "giver") {
                if shot.give("\(number)") { accepted.update { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(accepted.withLock { $0 } == 1)
        #expect(delivered.withLock { $0.count } == 1)
    }

    @Test func `a value that was postponed is delivered, though it came inside the call`() {
        var (shot, delivered): (OneShot<String>?, Monitor<[String]>) = make()
        shot?.postpone()
        #expect(shot?.give("inside") == true)
        #expect(shot?.callReturned() == nil)
        shot = nil
        #expect(delivered.withLock { $0 } == ["inside"])
    }

    @Test func `nobody waits for ever for a value that never comes`() {
        var (shot, delivered): (OneShot<String>?, Monitor<[String]>) = make()
        _ = shot?.callReturned()
        shot = nil
        #expect(delivered.withLock { $0 } == ["abandoned"])
    }

    @Test func `after a discard nothing is delivered`() {
        var (shot, delivered): (OneShot<String>?, Monitor<[String]>) = make()
        _ = shot?.callReturned()
        shot?.discard()
        #expect(shot?.give("late") == false)
        shot = nil
        #expect(delivered.withLock { $0 } == [])
    }
}
