import Testing

@testable import Hub

@Suite("RedisHandshake") struct RedisHandshakeTests {
    private func options(_ change: (inout RedisOptions) -> Void = { _ in }) -> RedisOptions {
        var options = RedisOptions(servers: [.init(host: "h", port: 1)])
        change(&options)
        return options
    }

    private func handshake(
        _ options: RedisOptions, mustBeMaster: Bool = false
    ) -> RedisHandshake {
        RedisHandshake(options: options, server: "h:1", mustBeMaster: mustBeMaster)
    }

    private func names(_ handshake: RedisHandshake) -> [String] {
        handshake.commands.map {
            let words = String(decoding: $0.bytes, as: UTF8.self).split(separator: "\r\n")
            return words.dropFirst().filter { !$0.hasPrefix("$") }.joined(separator: " ")
        }
    }

    @Test func `a plain server is asked for nothing but a sign of life`() {
        #expect(names(handshake(options())) == ["PING"])
    }

    @Test func `everything that is set is said, and PING comes last`() {
        let full = options {
            $0.user = "u"
            $0.password = "p"
            $0.database = 4
            $0.clientName = "me"
        }
        #expect(
            names(handshake(full, mustBeMaster: true)) == [
                "AUTH u p", "SELECT 4", "CLIENT SETNAME me", "ROLE", "PING",
            ])
        #expect(names(handshake(options { $0.password = "p" })) == ["AUTH p", "PING"])
    }

    @Test func `a wrong password is named before what follows from it, and not shown`() throws {
        let secret = options { $0.password = "hidden" }
        let problem = handshake(secret).problem(in: [
            .error(RedisServerError("WRONGPASS invalid")), .error(RedisServerError("NOAUTH x")),
        ])
        guard case .authentication(let reason) = problem else {
            Issue.record("\(String(describing: problem))")
            return
        }
        #expect(reason.contains("WRONGPASS") && reason.contains("--state"))
        #expect(!reason.contains("hidden"))
    }

    @Test func `a server that wants a password is an authentication problem`() {
        let problem = handshake(options()).problem(in: [.error(RedisServerError("NOAUTH x"))])
        guard case .authentication = problem else {
            Issue.record("\(String(describing: problem))")
            return
        }
    }

    @Test func `a server that is loading is not ready`() {
        let problem = handshake(options()).problem(in: [.error(RedisServerError("LOADING x"))])
        #expect(
            problem == .unavailable(reason: "redis at h:1 is not ready: LOADING x"))
    }

    @Test func `a replica is refused where a master is wanted`() {
        let wanting = handshake(options(), mustBeMaster: true)
        let pong = RedisReply.status("PONG")
        func role(_ name: String) -> RedisReply { .array([.bulk(Array(name.utf8)), .integer(1)]) }

        #expect(wanting.problem(in: [role("master"), pong]) == nil)
        #expect(wanting.problem(in: [role("slave"), pong]) != nil)
        // A user limited to data may not ask.
        #expect(wanting.problem(in: [.error(RedisServerError("NOPERM x")), pong]) == nil)
    }

    @Test func `a user that may not PING is let in, and so is a server without names`() {
        let named = options { $0.clientName = "n" }
        #expect(
            handshake(named).problem(in: [
                .error(RedisServerError("ERR unknown")), .error(RedisServerError("NOPERM x")),
            ]) == nil)
    }

    @Test func `a database that does not exist is named`() {
        let problem = handshake(options { $0.database = 99 }).problem(in: [
            .error(RedisServerError("ERR DB index is out of range")), .status("PONG"),
        ])
        #expect("\(problem!)".contains("no database 99"))
    }

    @Test func `a sentinel's answer is the last of its replies`() throws {
        let master = RedisReply.array([.bulk(Array("10.0.0.1".utf8)), .bulk(Array("77".utf8))])
        let refusal = RedisReply.error(RedisServerError("ERR no password configured"))

        #expect(
            try SentinelQuery.master(in: [refusal, master]).get()
                == .init(host: "10.0.0.1", port: 77))
        for reply in [RedisReply.null, .status("OK"), .array([.null, .null]), refusal] {
            #expect(throws: RedisServerError.self) {
                try SentinelQuery.master(in: [reply]).get()
            }
        }
    }
}
