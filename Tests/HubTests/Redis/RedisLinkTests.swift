import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

@Suite("RedisLink", .enabled(if: RedisServer.sharedURL != nil), .timeLimit(.minutes(2)))
struct RedisLinkTests {
    private let clock = ContinuousClock()

    @Test func `calls of many threads share the connection and each gets its own replies`() throws {
        let harness = try RedisLinkHarness(RedisServer.sharedURL!)
        try harness.ready()
        let wrongCount = Monitor(0)
        let client = harness.client
        let threads = (0..<4).map { thread in
            NativeThread(name: "caller") {
                for number in 0..<200 {
                    let texts = ["\(thread)-\(number)-a", "\(thread)-\(number)-b"]
                    let replies = try? client.call(
                        texts.map { RedisCommand("ECHO", [$0]) }, timeout: .seconds(20))
                    if replies?.map(\.text) != texts { wrongCount.update { $0 += 1 } }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(wrongCount.withLock { $0 } == 0)
        #expect(harness.status.isUp)
    }

    @Test func `an error reply is thrown, and the connection goes on`() throws {
        let harness = try RedisLinkHarness(RedisServer.sharedURL!)
        try harness.ready()
        #expect(throws: RedisError.refused(RedisServerError("ERR syntax error"))) {
            try harness.ask("SET", "a", "b", "NONSENSE")
        }
        #expect(try harness.ask("ECHO", "x") == "x")
    }

    @Test func `database, name, user and password are those of the options`() throws {
        let server = try RedisServer(
            ["--requirepass", "default-password"],
            user: "app on >app-password ~order:* +get +set +select +ping +client|setname"
                + " +client|getname")
        let harness = try RedisLinkHarness(server) {
            $0.user = "app"
            $0.password = "app-password"
            $0.database = 5
            $0.clientName = "pod-1"
        }
        try harness.ready()
        _ = try harness.ask("SET", "order:x", "five")
        #expect(try harness.ask("CLIENT", "GETNAME") == "pod-1")
        let answer = try server.run("AUTH default-password", "SELECT 5", "GET order:x")
        #expect(answer.contains("five"))
        #expect(try server.run("AUTH default-password", "GET order:x") == "$-1\r\n")
        #expect(throws: RedisError.self) { try harness.ask("GET", "other") }
    }

    @Test func `a wrong password is told at once, without showing it, and tried again`() throws {
        let server = try RedisServer(["--requirepass", "right"])
        let harness = try RedisLinkHarness(server) { $0.password = "wr0ng" }

        let start = clock.now
        let error = #expect(throws: RedisError.self) { try harness.ready() }
        #expect(clock.now - start < .seconds(10))
        guard case .authentication(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("--state") && !reason.contains("wr0ng"))
        #expect(!harness.status.isUp)

        try server.run("AUTH right", "CONFIG SET requirepass wr0ng")
        #expect(harness.waitForState { $0 == .ready })
    }

    @Test func `while the server is away calls fail at once, and it is found again`() throws {
        let server = try RedisServer()
        let harness = try RedisLinkHarness(server)
        try harness.ready()
        _ = try harness.ask("SET", "a", "1")

        server.stop()
        #expect(harness.waitForState { $0.isAway })
        #expect(!harness.status.isUp)
        let start = clock.now
        for _ in 0..<20 {
            #expect(throws: RedisError.self) { try harness.ask("GET", "a") }
        }
        #expect(clock.now - start < .seconds(1))

        let count = harness.stateCount
        try server.start()
        #expect(harness.waitForState(from: count) { $0 == .ready })
        #expect(try harness.ask("GET", "a") == nil)
        #expect(harness.status.isUp && harness.status.lossCount.load(ordering: .relaxed) == 1)
    }

    @Test func `a frozen server costs one deadline, then nothing, and no reply goes astray`() throws
    {
        let server = try RedisServer()
        let harness = try RedisLinkHarness(server)
        try harness.ready()

        server.freeze()
        let start = clock.now
        let error = #expect(throws: RedisError.self) {
            try harness.ask("ECHO", "late", timeout: .milliseconds(250))
        }
        let first = clock.now - start
        guard case .timedOut = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(first >= .milliseconds(250))
        #expect(harness.client.linkState == .stalled && !harness.status.isUp)
        for _ in 0..<20 {
            #expect(throws: RedisError.self) { try harness.ask("ECHO", "never sent") }
        }
        #expect(clock.now - start - first < .milliseconds(500))

        server.thaw()
        try harness.ready()
        #expect(try harness.ask("ECHO", "new") == "new")
        // It was the same connection all the time.
        #expect(harness.states.withLock { $0 } == [.ready, .stalled, .ready])
    }

    @Test func `a frozen server is noticed without any call, and given up`() throws {
        let server = try RedisServer()
        let harness = try RedisLinkHarness(server) {
            $0.heartbeatInterval = .milliseconds(100)
            $0.heartbeatTimeout = .milliseconds(300)
            $0.stallTimeout = .milliseconds(300)
            $0.connectTimeout = .milliseconds(500)
        }
        try harness.ready()
        server.freeze()
        #expect(harness.waitForState { $0 == .stalled })
        #expect(harness.waitForState { $0.isAway })
        let count = harness.stateCount
        server.thaw()
        #expect(harness.waitForState(from: count) { $0 == .ready })
    }

    @Test func `a connection the server cuts comes back`() throws {
        let server = try RedisServer()
        let harness = try RedisLinkHarness(server)
        try harness.ready()
        try server.run("CLIENT KILL TYPE normal SKIPME yes")
        #expect(harness.waitForState { $0.isAway })
        #expect(harness.waitForState(from: 1) { $0 == .ready })
        #expect(try harness.ask("ECHO", "x") == "x")
    }

    @Test func `more commands than the limit fail at once`() throws {
        let harness = try RedisLinkHarness(RedisServer.sharedURL!) { $0.inFlightCountMax = 10 }
        try harness.ready()
        let ping = RedisCommand("PING")
        #expect(throws: RedisError.self) {
            try harness.client.call(Array(repeating: ping, count: 11), timeout: .seconds(20))
        }
        let replies = try harness.client.call(
            Array(repeating: ping, count: 10), timeout: .seconds(20))
        #expect(replies.count == 10)
    }

    @Test func `the connection is encrypted, and strangers are not trusted`() throws {
        let certificate = try TestCertificate()
        let tlsPort = RedisServer.freePort()
        let server = try RedisServer([
            "--tls-port", "\(tlsPort)", "--tls-cert-file", certificate.certificateFile,
            "--tls-key-file", certificate.keyFile, "--tls-auth-clients", "no",
        ])
        defer { withExtendedLifetime(server) {} }
        let url = "rediss://localhost:\(tlsPort)?ssl_ca_certs=\(certificate.certificateFile)"
        let harness = try RedisLinkHarness(url)
        try harness.ready()
        let value = String(repeating: "x", count: 100_000)
        #expect(try harness.ask("ECHO", value) == value)

        let stranger = try RedisLinkHarness("rediss://localhost:\(tlsPort)")
        #expect(
            stranger.states.wait(atMost: .seconds(20)) { $0.isEmpty ? nil : $0[0].isAway } == true)
        #expect(throws: RedisError.self) { try stranger.ask("PING") }
    }

    @Test func `a replica is passed over, and left when it becomes one`() throws {
        let master = try RedisServer()
        let replica = try RedisServer(["--replicaof", "127.0.0.1 \(master.port)"])
        let harness = try RedisLinkHarness("\(replica.address),\(master.address)")
        try harness.ready()
        _ = try harness.ask("SET", "a", "1")
        #expect(try master.run("GET a").contains("1"))

        try replica.run("REPLICAOF NO ONE")
        try master.run("REPLICAOF 127.0.0.1 \(replica.port)")
        // The first write is refused with READONLY; after that the link looks for the new master.
        #expect(throws: RedisError.self) { try harness.ask("SET", "a", "2") }
        #expect(harness.waitForState(from: 1) { $0 == .ready })
        _ = try harness.ask("SET", "a", "3")
        #expect(try replica.run("GET a").contains("3"))
    }

    @Test func `a sentinel says where the master is`() throws {
        let master = try RedisServer()
        let file = master.directory + "/sentinel.conf"
        let sentinel = try RedisServer.sentinel(
            configuration: file, "sentinel monitor mymaster 127.0.0.1 \(master.port) 1")
        let nobody = RedisServer.freePort()
        let harness = try RedisLinkHarness(
            "redis+sentinel://127.0.0.1:\(nobody),\(sentinel.address)/mymaster/3")
        try harness.ready()
        _ = try harness.ask("SET", "a", "by sentinel")
        #expect(try master.run("SELECT 3", "GET a").contains("by sentinel"))

        let other = try RedisLinkHarness("redis+sentinel://\(sentinel.address)/unknown")
        let error = #expect(throws: RedisError.self) {
            try other.client.waitUntilReady(atMost: .seconds(1))
        }
        #expect("\(error!)".contains("cannot tell where 'unknown' is"))
    }
}
