import Testing

@testable import Loop

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("10.0.0.7", "10.0.0.7"),
            ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
            ("FD00:0:0::7", "fd00::7"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
                Array(repeating: "ffff", count: 8).joined(separator: ":")
            ),
        ])
    func `an address prints in its shortest form`(text: String, printed: String) {
        #expect(IPAddress(text)?.description == printed)
    }

    @Test func `IPv4 is the same address inside IPv6`() {
        #expect(IPAddress("::ffff:10.0.0.7") == IPAddress("10.0.0.7"))
        #expect(IPAddress("::ffff:10.0.0.7")?.isIPv4 == true)
        #expect(IPAddress("::10.0.0.7") != IPAddress("10.0.0.7"))
        #expect(IPAddress("::10.0.0.7")?.isIPv4 == false)
    }

    @Test(
        arguments: [
            "", "1", "10.0.0", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1", "10.0.0.1.", " 10.0.0.1",
            "10.0.0.1 ", "10.0.0.1:80", "[::1]", "::1%lo", ":::", "1::2::3", "12345::", "g::",
            "10.0.0.1\u{0}", "::1\u{0}", "localhost",
            "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
        ])
    func `what is not exactly an address is none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `an address is sixteen bytes`() {
        #expect(MemoryLayout<IPAddress>.size == 16)
    }

    @Test func `a peer prints with its port where that is known`() throws {
        let ipv4 = try #require(IPAddress("10.0.0.7"))
        let ipv6 = try #require(IPAddress("fd00::7"))
        #expect(PeerAddress(ip: ipv4, port: 80).description == "10.0.0.7:80")
        #expect(PeerAddress(ip: ipv6, port: 80).description == "[fd00::7]:80")
        #expect(PeerAddress(ip: ipv6).description == "fd00::7")
    }
}
