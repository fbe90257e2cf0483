import Testing

@testable import bench

@Suite struct SourceAddressesTests {
    @Test func `agents come from different addresses of the network`() throws {
        let first = try #require(SourceAddresses.make("127.0.0.0/8", agent: 0))
        let second = try #require(SourceAddresses.make("127.0.0.0/8", agent: 1))

        #expect(first.count == SourceAddresses.countPerAgent)
        #expect(Set(first).isDisjoint(with: second))
        #expect((first + second).allSatisfy { $0.hasPrefix("127.") })
    }

    @Test func `a small network is used round and round`() throws {
        let addresses = try #require(SourceAddresses.make("10.1.2.0/24", agent: 5))

        #expect(addresses.allSatisfy { $0.hasPrefix("10.1.2.") })
    }

    @Test func `a list is taken as it is`() {
        #expect(SourceAddresses.make("10.0.0.1,10.0.0.2", agent: 3) == ["10.0.0.1", "10.0.0.2"])
    }

    @Test(arguments: ["", "10.0.0.0/7", "10.0.0.0/25", "10.0.0/8", "10.0.0.256", "x,y"])
    func `anything else is refused`(text: String) {
        #expect(SourceAddresses.make(text, agent: 0) == nil)
    }
}
