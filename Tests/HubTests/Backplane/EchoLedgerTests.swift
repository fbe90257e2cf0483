import Testing

@testable import Hub

@Suite("EchoLedger") struct EchoLedgerTests {
    @Test func `an own message is dropped once, the next one alike is another pod's`() {
        var ledger = EchoLedger()
        ledger.expect(5, on: "c", serial: 1)
        let seen = (0..<2).map { _ in ledger.isEcho(5, on: "c") }
        #expect(seen == [true, false])
        #expect(ledger.count == 0)
    }

    @Test func `as many are dropped as were delivered, whoever sent which`() {
        var ledger = EchoLedger()
        ledger.expect(5, on: "c", serial: 1)
        ledger.expect(6, on: "c", serial: 2)
        ledger.expect(5, on: "c", serial: 3)
        // Another pod's 5 comes between our own two.
        let seen = [5, 5, 6, 5, 6].map { ledger.isEcho($0, on: "c") }
        #expect(seen == [true, true, true, false, false])
    }

    @Test func `a message on another channel is no echo`() {
        var ledger = EchoLedger()
        ledger.expect(5, on: "é", serial: 1)
        let seen = ["e\u{301}", "c", "é"].map { ledger.isEcho(5, on: $0) }
        #expect(seen == [false, false, true])
    }

    @Test func `a failed PUBLISH is expected no more, others alike are`() {
        var ledger = EchoLedger()
        ledger.expect(5, on: "c", serial: 1)
        ledger.expect(5, on: "c", serial: 2)
        ledger.withdraw(serial: 1, on: "c")
        let seen = (0..<2).map { _ in ledger.isEcho(5, on: "c") }
        #expect(seen == [true, false])
    }

    @Test func `a fence ends the expectations in front of it and no others`() {
        var ledger = EchoLedger()
        for serial in 1...3 { ledger.expect(Int(serial), on: "c", serial: UInt64(serial)) }
        ledger.expect(9, on: "d", serial: 4)
        ledger.passedFence(serial: 2)
        let seen = [1, 2, 3].map { ledger.isEcho($0, on: "c") }
        #expect(seen == [false, false, true])
        #expect(ledger.count == 1)
        ledger.passedFence(serial: 4)
        #expect(ledger.count == 0)
    }

    @Test func `a channel that was left, and a lost connection, end expectations`() {
        var ledger = EchoLedger()
        ledger.expect(5, on: "c", serial: 1)
        ledger.expect(5, on: "d", serial: 2)
        ledger.forget("c")
        let seen = ["c", "d"].map { ledger.isEcho(5, on: $0) }
        #expect(seen == [false, true])
        ledger.expect(5, on: "d", serial: 3)
        ledger.forgetAll()
        #expect(ledger.count == 0)
    }

    @Test func `digests tell payloads apart`() {
        let payloads: [[UInt8]] = [[], [0], [0, 0], [1], [1, 0]]
        let digests = payloads.map { $0.withUnsafeBytes { EchoLedger.digest($0) } }
        #expect(Set(digests).count == payloads.count)
        #expect([UInt8]([1, 0]).withUnsafeBytes { EchoLedger.digest($0) } == digests[4])
    }
}
