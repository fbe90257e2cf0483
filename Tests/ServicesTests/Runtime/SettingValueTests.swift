import Loop
import Testing

@testable import Services

@Suite("SettingValue") struct SettingValueTests {
    @Test(arguments: [
        ("0s", Duration.zero), ("250ms", .milliseconds(250)), ("30s", .seconds(30)),
        ("5m", .seconds(300)), ("2h", .seconds(7200)), ("1d", .seconds(86400)),
        ("00:30:00", .seconds(1800)), ("1.02:03:04", .seconds(93784)),
        ("00:00:00.5", .milliseconds(500)), ("00:00:00.0000001", .nanoseconds(100)),
    ])
    func `a duration reads in short form and as a TimeSpan`(text: String, expected: Duration) throws
    {
        #expect(try SettingValue.duration(text) == expected)
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "1.5s", "5 m", "24:00:00", "00:60:00", "00:00:60", "00:00",
        "00:00:00.", "00:00:00.12345678", "1:2:3:4", "99999999999999999999s", "10001d", "٣s",
    ])
    func `anything else is no duration`(text: String) {
        #expect(throws: SettingValueError.self) { try SettingValue.duration(text) }
    }

    @Test(arguments: [("512", 512), ("512B", 512), ("64KiB", 65536), ("1MiB", 1 << 20)])
    func `a size has binary units and reads back as it is printed`(text: String, count: Int) throws
    {
        #expect(try SettingValue.size(text, in: 0...(1 << 30)) == count)
        #expect(try SettingValue.size(SettingValue.sizeText(count), in: 0...(1 << 30)) == count)
    }

    @Test(arguments: ["", "KiB", "1KB", "-1", "1 MiB", "99999999999999GiB", "2049"])
    func `anything else, or out of range, is no size`(text: String) {
        #expect(throws: SettingValueError.self) { try SettingValue.size(text, in: 0...2048) }
    }

    @Test func `a rate has a unit, and a burst where it should not be what the unit allows`() throws
    {
        #expect(try SettingValue.rate("50/s") == RateLimit(50, burst: 50))
        #expect(try SettingValue.rate("600/m") == RateLimit(600, per: .seconds(60), burst: 600))
        #expect(try SettingValue.rate("1/s:200") == RateLimit(1, burst: 200))
        #expect(try SettingValue.rate("0") == nil)
    }

    @Test(arguments: [
        "", "50", "50/h", "/s", "0/s", "-1/s", "1.5/s", "50/s:", "50/s:0", "50/s:1:2", "1000001/s",
        "50/s:1000001",
    ])
    func `anything else is no rate`(text: String) {
        #expect(throws: SettingValueError.self) { try SettingValue.rate(text) }
    }

    @Test func `an address has a host and a port, IPv6 in brackets`() throws {
        #expect(try SettingValue.address("h:1") == ListenAddress(host: "h", port: 1))
        #expect(try SettingValue.address("[::1]:65535") == ListenAddress(host: "::1", port: 65535))
        #expect(try SettingValue.address("none") == nil)
        #expect(ListenAddress(host: "::1", port: 80).description == "[::1]:80")
    }

    @Test(arguments: ["", "h", ":1", "h:", "h:65536", "h:-1", "::1:80", "[]:1", "http://h:1"])
    func `anything else is no address`(text: String) {
        #expect(throws: SettingValueError.self) { try SettingValue.address(text) }
    }

    @Test(arguments: [(0, false), (1, true), (64, true), (65, false)])
    func `a number is bounded at both ends`(number: Int, isGood: Bool) {
        #expect(((try? SettingValue.integer("\(number)", in: 1...64)) != nil) == isGood)
    }
}
