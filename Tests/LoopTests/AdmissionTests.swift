import TestSupport
import Testing

@testable import Loop

@Suite struct AdmissionTests {
    private static let ann = IPAddress("192.0.2.1")!
    private static let bob = IPAddress("192.0.2.2")!

    private static func admission(
        time: any TimeSource = FakeClock(), _ change: (inout Admission.Rules) -> Void
    ) -> Admission {
        var rules = Admission.Rules()
        change(&rules)
        return Admission(rules, time: time)
    }

    @Test func `the process is full at its limit, and has room again when somebody leaves`() {
        let admission = Self.admission { $0.connectionCountMax = 2 }
        #expect(admission.enter(Self.ann) == nil)
        #expect(admission.enter(Self.bob) == nil)
        #expect(admission.enter(Self.ann) == .processFull)

        admission.leave(Self.bob)

        #expect(admission.enter(Self.ann) == nil)
    }

    @Test func `one address is full by itself`() {
        let admission = Self.admission { $0.connectionCountPerAddressMax = 1 }
        #expect(admission.enter(Self.ann) == nil)
        #expect(admission.enter(Self.ann) == .addressFull)
        #expect(admission.enter(Self.bob) == nil)

        admission.leave(Self.ann)

        #expect(admission.enter(Self.ann) == nil)
    }

    @Test func `the addresses of one IPv6 customer count as one`() {
        let admission = Self.admission { $0.connectionCountPerAddressMax = 1 }

        #expect(admission.enter(IPAddress("2001:db8:0:1::1")!) == nil)
        #expect(admission.enter(IPAddress("2001:db8:0:1:ffff::2")!) == .addressFull)
        #expect(admission.enter(IPAddress("2001:db8:0:2::1")!) == nil)
    }

    @Test func `an address that comes too fast is refused until its tokens are back`() {
        let clock = FakeClock()
        let admission = Self.admission(time: clock) {
            $0.connectionRatePerAddress = RateLimit(1, burst: 2)
        }
        #expect(admission.enter(Self.ann) == nil)
        #expect(admission.enter(Self.ann) == nil)
        #expect(admission.enter(Self.ann) == .addressRate)
        #expect(admission.enter(Self.bob) == nil)

        clock.advance(by: .seconds(1))

        #expect(admission.enter(Self.ann) == nil)
    }

    @Test func `who is refused by one rule is not counted by the others`() {
        let admission = Self.admission {
            $0.connectionCountMax = 1
            $0.connectionCountPerAddressMax = 1
            $0.connectionRatePerAddress = RateLimit(1, burst: 1)
        }
        #expect(admission.enter(Self.ann) == nil)
        admission.leave(Self.ann)
        #expect(admission.enter(Self.ann) == .addressRate)

        #expect(admission.enter(Self.bob) == nil)
        #expect(admission.enter(Self.bob) == .processFull)
    }

    @Test func `a connection that a proxy hands over counts as its client's`() {
        var rules = Admission.Rules()
        rules.connectionCountPerAddressMax = 1
        rules.trusted = TrustedNetworks("10.0.0.0/8")!
        let admission = Admission(rules)
        let proxy = IPAddress("10.0.0.1")!
        let (client, other) = (IPAddress("203.0.113.7")!, IPAddress("203.0.113.8")!)
        for _ in 0..<3 { #expect(admission.enter(proxy) == nil) }

        #expect(admission.move(from: proxy, to: client) == nil)
        #expect(admission.move(from: proxy, to: client) == .addressFull)
        #expect(admission.move(from: proxy, to: other) == nil)

        admission.leave(client)
        #expect(admission.enter(proxy) == nil)
        #expect(admission.move(from: proxy, to: client) == nil)
    }

    @Test func `proxies are held to the process's limit only`() {
        let admission = Self.admission {
            $0.connectionCountMax = 3
            $0.connectionCountPerAddressMax = 1
            $0.trusted = TrustedNetworks("192.0.2.0/24")!
        }

        #expect((0..<3).allSatisfy { _ in admission.enter(Self.ann) == nil })
        #expect(admission.enter(Self.ann) == .processFull)
    }
}
