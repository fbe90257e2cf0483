import Hub
import Loop
import Testing
import TestSupport

@testable import Services

/// What stands in Redis, as the .NET services read and write it.
@Suite(
    "RedisWorkflowState", .enabled(if: RedisServer.sharedURL != nil), .timeLimit(.minutes(2)))
struct RedisWorkflowStateTests {
    private let id = CorrelationID(from: SystemRandom())
    private var ownerKey: String { "order:map:\(id)" }
    private var statusKey: String { "order:status:\(id)" }

    private func open() throws -> RedisUnderTest { try RedisUnderTest(RedisServer.sharedURL!) }

    @Test func `keys and values are those of the contract, and live for half an hour`() throws {
        let redis = try open()
        try redis.state.begin([(id, "CUST-0001")])

        #expect(try redis.run("GET", ownerKey).text == "CUST-0001")
        #expect(try redis.run("GET", statusKey).text == "ACCEPTED")
        for key in [ownerKey, statusKey] {
            let seconds = try #require(try redis.secondsLeft(key))
            #expect((1790...1800).contains(seconds))
        }
    }

    @Test(
        arguments: [
            (WorkflowStatus(status: .processing, orderID: nil), "PROCESSING"),
            (WorkflowStatus(status: .completed, orderID: 42), "COMPLETED|42"),
            (WorkflowStatus(status: .completed, orderID: nil), "COMPLETED"),
        ])
    func `P07 N23: an advance writes the word in capitals and renews both lives`(
        status: WorkflowStatus, word: String
    ) throws {
        let redis = try open()
        try redis.state.begin([(id, "u")])
        for key in [ownerKey, statusKey] { try redis.run("EXPIRE", key, "60") }

        try redis.state.advance([(id, status)])

        #expect(try redis.run("GET", statusKey).text == word)
        for key in [ownerKey, statusKey] {
            let seconds = try #require(try redis.secondsLeft(key))
            #expect((1790...1800).contains(seconds))
        }
    }

    @Test func `an advance that comes too late renews the lives only`() throws {
        let redis = try open()
        try redis.run("SET", statusKey, "Completed|9", "EX", "60")
        try redis.state.advance([(id, WorkflowStatus(status: .processing, orderID: nil))])

        #expect(try redis.run("GET", statusKey).text == "Completed|9")
        #expect(try #require(try redis.secondsLeft(statusKey)) > 60)
    }

    @Test func `an advance makes no key, of neither kind`() throws {
        let redis = try open()
        try redis.state.advance([(id, WorkflowStatus(status: .completed, orderID: 1))])
        try redis.state.advance([(id, WorkflowStatus(status: .processing, orderID: nil))])
        #expect(try redis.run("EXISTS", ownerKey, statusKey) == .integer(0))
    }

    @Test(
        arguments: [
            ("ACCEPTED", OrderStatus.accepted, nil), ("processing", .processing, nil),
            ("Completed", .completed, nil), ("COMPLETED|12345", .completed, 12345),
            ("COMPLETED|x", .completed, nil),
        ] as [(String, OrderStatus, Int64?)])
    func `N07 N08: the words of other writers are read in any case`(
        word: String, status: OrderStatus, orderID: Int64?
    ) throws {
        let redis = try open()
        try redis.run("SET", statusKey, word, "EX", "60")
        #expect(try redis.state.status(id) == WorkflowStatus(status: status, orderID: orderID))
    }

    @Test func `a word that means nothing is as good as none`() throws {
        let redis = try open()
        try redis.run("SET", statusKey, "SHIPPED", "EX", "60")
        #expect(try redis.state.status(id) == nil)
    }

    @Test func `N06: an owner under the legacy key is found and copied, with a life`() throws {
        let redis = try open()
        try redis.run("SET", "ws:session:\(id)", "old", "EX", "60")
        #expect(try redis.state.owner(id) == "old")
        #expect(try redis.run("GET", ownerKey).text == "old")
        #expect(try #require(try redis.secondsLeft(ownerKey)) > 60)
    }

    @Test func `the canonical key goes before the legacy one`() throws {
        let redis = try open()
        try redis.run("SET", "ws:session:\(id)", "old", "EX", "60")
        try redis.run("SET", ownerKey, "new", "EX", "60")
        #expect(try redis.state.owner(id) == "new")
    }

    @Test func `a claim has a life`() throws {
        let redis = try open()
        #expect(try redis.state.claim(id, for: "u") == "u")
        #expect(try #require(try redis.secondsLeft(ownerKey)) > 1790)
    }

    @Test func `a user that may only touch our keys can do everything`() throws {
        let server = try RedisServer(
            user: "app on >pw ~order:* ~ws:session:* +get +set +expire +eval +ping")
        let redis = try RedisUnderTest("\(server.address),user=app,password=pw")
        try redis.state.begin([(id, "u")])
        try redis.state.advance([(id, WorkflowStatus(status: .processing, orderID: nil))])
        try redis.state.advance([(id, WorkflowStatus(status: .completed, orderID: 1))])
        #expect(try redis.state.owner(id) == "u")
        #expect(try redis.state.claim(id, for: "v") == "u")
        #expect(try redis.state.status(id) == WorkflowStatus(status: .completed, orderID: 1))
    }

    @Test func `a full server is an error, and reading goes on`() throws {
        let server = try RedisServer()
        let redis = try RedisUnderTest(server.address)
        try redis.state.begin([(id, "u")])
        try server.run("CONFIG SET maxmemory 1")
        let error = #expect(throws: WorkflowStateError.self) {
            try redis.state.begin([(CorrelationID(from: SystemRandom()), "u")])
        }
        #expect(error?.reason.contains("OOM") == true)
        #expect(try redis.state.owner(id) == "u")
    }

    @Test func `a frozen server costs one call its deadline and the others nothing`() throws {
        let server = try RedisServer()
        let redis = try RedisUnderTest(server.address) { $0.callTimeout = .milliseconds(250) }
        server.freeze()
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<21 {
            times.append(
                clock.measure {
                    #expect(throws: WorkflowStateError.self) { try redis.state.begin([(id, "u")]) }
                })
        }
        #expect(times[0] >= .milliseconds(250))
        #expect(times.sorted()[10] < .milliseconds(50))

        server.thaw()
        try redis.client.waitUntilReady(atMost: .seconds(20))
        #expect(
            try redis.client.call([RedisCommand("PING")], timeout: .seconds(20))[0].text == "PONG")
    }

    @Test func `a server that comes back empty is written to again`() throws {
        let server = try RedisServer()
        let redis = try RedisUnderTest(server.address)
        try redis.state.begin([(id, "u")])
        server.stop()
        #expect(throws: WorkflowStateError.self) { try redis.state.owner(id) }
        try server.start()
        try redis.client.waitUntilReady(atMost: .seconds(20))
        #expect(try redis.state.owner(id) == nil)
        try redis.state.begin([(id, "u")])
        #expect(try redis.state.owner(id) == "u")
    }
}
