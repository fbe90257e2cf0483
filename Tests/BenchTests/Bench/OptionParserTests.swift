import Testing

@testable import bench

@Suite struct OptionParserTests {
    private func parse(_ text: String) throws -> BenchOptions? {
        try OptionParser.parse(text.split(separator: " ").map(String.init)[...])
    }

    private func complaint(_ text: String) -> String {
        do throws(UsageError) {
            _ = try OptionParser.parse(text.split(separator: " ").map(String.init)[...])
            return "none"
        } catch {
            return error.description
        }
    }

    @Test func `nothing at all is the run of the README: pods, and the backplane between them`()
        throws
    {
        let options = try #require(try parse(""))

        #expect(options.scenarioOrDefault == .backplane)
        #expect(options.needs.podCount == 3)
        #expect(options.needs.hasRedis)
        #expect(!options.needs.isPlain)
    }

    @Test func `short and long forms, with a space or an equals sign, mean the same`() throws {
        let long = try parse("--connections 7 --rate 20/s --duration 3s --insecure")
        let short = try parse("-c=7 -R=20 -d=3000ms -k")

        #expect(long == short)
        #expect(long?.connectionCount == 7)
        #expect(long?.rate == .perSecond(20))
    }

    @Test(arguments: [
        (1, 1), (18_000, 1), (18_001, 2), (50_000, 3), (54_001, 4),
    ])
    func `one process holds 18,000 connections`(connections: Int, processes: Int) throws {
        #expect(try parse("-c \(connections)")?.agentCount == processes)
    }

    @Test(arguments: [
        ("--nonsense", "unknown flag --nonsense"),
        ("--rate", "--rate has no value"),
        ("--insecure=yes", "--insecure takes no value"),
        ("-c 0", "--connections wants a number from 1 to 1000000, not \"0\""),
        ("-d soon", "--duration wants a time such as 500ms, 3s or 1m, not \"soon\""),
        ("--slow 101%", "--slow wants a share from 0% to 100%, not \"101%\""),
        (
            "--publish nats://x:1",
            "--publish wants redis://HOST:PORT or invoke:METHOD, not \"nats://x:1\""
        ),
        (
            "--url ftp://x",
            "--url wants ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, not \"ftp://x\""
        ),
        (
            "--source 10.0.0.0/30",
            "--source wants A.B.C.D/N with N from 8 to 24, or addresses between commas, not \"10.0.0.0/30\""
        ),
    ])
    func `a wrong command line names the flag and what it wants`(text: String, expected: String) {
        #expect(complaint(text) == expected)
    }

    @Test(arguments: [
        "--url ws://a:1/ --pods 2", "--server-pid 1", "--token a --token-secret b",
        "-k --ca file", "-c 1 --processes 2", "--url ws://a:1/ --floor",
        "--scenario fan-out --bytes 95",
    ])
    func `flags that contradict are refused`(text: String) {
        #expect(complaint(text) != "none")
    }

    @Test func `the smallest broadcast is taken, one byte less is not`() {
        let least = BroadcastRecord.byteCountMin

        #expect(complaint("--scenario fan-out --bytes \(least)") == "none")
        #expect(complaint("--scenario fan-out --bytes \(least - 1)") != "none")
    }

    @Test func `a URL without a path gets the hub's, one with a path keeps it`() throws {
        let bare = try TargetURL("wss://localhost:8443")
        let full = try TargetURL("ws://127.0.0.1:1/chat")

        #expect(bare.withDefaultPath("/hub").description == "wss://localhost:8443/hub")
        #expect(full.withDefaultPath("/hub").description == "ws://127.0.0.1:1/chat")
        #expect(try TargetURL("http://a:1/x") == TargetURL("ws://a:1/x"))
    }

    @Test func `connections, ramp and openings are dealt out to the agents without a rest`() throws
    {
        let options = try #require(
            try parse("-c 50000 --ramp 900 --opening 60 --publish redis://a:1"))
        let setups = options.setups(
            for: IdleHoldScenario(), urls: [try TargetURL("ws://h.example:1/")])

        #expect(setups.map(\.clientCount) == [16_667, 16_667, 16_666])
        #expect(setups.map(\.firstClient) == [0, 16_667, 33_334])
        #expect(setups.allSatisfy { $0.rampPerSecond == 300 && $0.openingCountMax == 20 })
        #expect(setups.allSatisfy { $0.client.sources.isEmpty })
    }
}
