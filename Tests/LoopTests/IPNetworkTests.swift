import Testing

@testable import Loop

@Suite struct IPNetworkTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test(
        arguments: [
            ("10.0.0.0/8", "10.0.0.0", "9.255.255.255"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.2"), ("10.1.2.3/32", "10.1.2.3", "10.1.2.4"),
            ("192.168.1.128/25", "192.168.1.128", "192.168.1.127"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("2001:db8::/63", "2001:db8:0:1::", "2001:db8:0:2::"),
            ("2001:db8::/64", "2001:db8::ffff:0:0:1", "2001:db8:0:1::"),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:0"),
            ("::1", "::1", "::2"), ("::1/128", "::1", "::"),
        ])
    func `a network holds what begins with its bits`(
        network: String, inside: String, outside: String
    ) throws {
        let network = try #require(IPNetwork(network))
        #expect(try network.contains(address(inside)))
        #expect(try !network.contains(address(outside)))
    }

    @Test func `the empty prefix of IPv6 holds everybody`() throws {
        let all = try #require(IPNetwork("::/0"))
        #expect(try all.contains(address("fd00::1")))
        #expect(try all.contains(address("10.0.0.1")))
    }

    @Test(
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
            "10.0.0.0/8/8", "10.0.0.1/8", "fd00::/129", "fd00::1/8", "localhost/8", "10.0.0.0/ 8",
        ])
    func `what is not exactly a network is none`(text: String) {
        #expect(IPNetwork(text) == nil)
    }

    @Test(arguments: ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "::1/128"])
    func `a network prints as it is read`(text: String) {
        #expect(IPNetwork(text)?.description == text)
    }

    @Test func `trusted networks have names for the common ones`() throws {
        let trusted = try #require(TrustedNetworks("loopback, private,203.0.113.7"))

        for inside in ["127.0.0.1", "::1", "172.31.0.1", "192.168.0.1", "fd12::1", "203.0.113.7"] {
            #expect(try trusted.contains(address(inside)), "\(inside)")
        }
        for outside in ["128.0.0.1", "::2", "172.32.0.1", "192.169.0.1", "fe80::1", "203.0.113.8"] {
            #expect(try !trusted.contains(address(outside)), "\(outside)")
        }
        #expect(TrustedNetworks("loopback,") == nil)
        #expect(TrustedNetworks("public") == nil)
        #expect(try !TrustedNetworks.none.contains(address("127.0.0.1")))
    }
}
