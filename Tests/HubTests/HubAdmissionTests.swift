import Loop
import TestSupport
import Testing

@testable import Hub

@Suite("HubAdmission", .timeLimit(.minutes(1))) struct HubAdmissionTests {
    private static func options(_ change: (inout HubOptions) -> Void) -> HubOptions {
        var options = HubOptions()
        change(&options)
        return options
    }

    // MARK: Users

    @Test func `a user has as many connections as the limit, over whatever transport`() throws {
        let hub = try HubHarness(options: Self.options { $0.userConnectionCountMax = 2 })
        let first = try hub.connect("?user=ann")
        let token = try negotiate(hub, "user=ann")
        #expect(try request(hub, "GET", "?user=ann&id=\(token)").hasPrefix("HTTP/1.1 200 "))

        let refused = try refusal { try hub.open("?user=ann") }
        let polled = try request(hub, "GET", "?user=ann&id=\(try negotiate(hub, "user=ann"))")

        for answer in [refused, polled] {
            #expect(answer.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n"))
            #expect(answer.contains("\r\nRetry-After: 5\r\n"))
        }
        #expect(refused.contains("application/problem+json"))
        #expect(try hub.connect("?user=bob").call("Nothing").contains("null"))
        #expect(try first.call("Nothing").contains("null"))
        #expect(try hub.counters().hitCountByLimit[.userConnections] == 2)
    }

    @Test func `a connection that has ended is not counted`() throws {
        let hub = try HubHarness(options: Self.options { $0.userConnectionCountMax = 1 })
        for count in 1...20 {
            let client = try hub.connect("?user=ann")
            try client.close()
            _ = hub.ends(count)
            // Our half of the closing handshake comes when the socket's part is over, too.
            #expect(try client.receive()?.closeCode == 1000)
            #expect(try client.receive() == nil)
        }
    }

    @Test func `a refused transport leaves nobody counted`() throws {
        let hub = try HubHarness(options: Self.options { $0.userConnectionCountMax = 1 })
        for _ in 0..<5 {
            // A second poll for a used token opens nothing.
            #expect(try request(hub, "GET", "?user=ann&id=nonsense").hasPrefix("HTTP/1.1 404 "))
        }
        #expect(try hub.connect("?user=ann").call("Nothing").contains("null"))
    }

    // MARK: Rate

    @Test func `a user asks for connections no faster than its rate, with or without negotiate`()
        throws
    {
        let rate = RateLimit(1, per: .seconds(600), burst: 2)
        let hub = try HubHarness(options: Self.options { $0.connectRate = rate })
        let token = try negotiate(hub, "user=ann")
        // The negotiation has asked already.
        let client = try hub.connect("?user=ann&id=\(token)")
        let second = try hub.connect("?user=ann")

        let negotiated = try request(hub, "POST", "/negotiate?user=ann&negotiateVersion=1")
        let upgraded = try refusal { try hub.open("?user=ann") }

        for answer in [negotiated, upgraded] {
            #expect(answer.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n"))
            #expect(answer.contains("\r\nRetry-After: 600\r\n"))
            #expect(answer.contains("application/problem+json"))
        }
        #expect(try client.call("Nothing").contains("null"))
        #expect(try second.call("Nothing").contains("null"))
        #expect(try negotiate(hub, "user=bob").isEmpty == false)
        #expect(try hub.counters().hitCountByLimit[.connectRate] == 2)
    }

    // MARK: Sessions

    @Test
    func `when sessions are full negotiate offers WebSockets only, and polls are told to wait`()
        throws
    {
        let hub = try HubHarness(options: Self.options { $0.sessionCountMax = 1 })
        let early = try negotiate(hub, "")
        #expect(
            try request(hub, "GET", "?id=\(try negotiate(hub, ""))").hasPrefix("HTTP/1.1 200 "))

        let answer = try request(hub, "POST", "/negotiate?negotiateVersion=1")
        let poll = try request(hub, "GET", "?id=\(early)")
        let post = try request(hub, "POST", "?id=\(early)")
        let stream = try request(hub, "GET", "?id=\(early)", accept: "text/event-stream")

        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.contains("WebSockets"))
        #expect(!answer.contains("LongPolling") && !answer.contains("ServerSentEvents"))
        for refused in [poll, post, stream] {
            #expect(refused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(refused.contains("\r\nRetry-After: 5\r\n"))
        }
        #expect(try hub.connect("?id=\(try negotiate(hub, ""))").call("Nothing").contains("null"))
    }

    @Test func `a hub without WebSockets has nothing to offer when sessions are full`() throws {
        let options = Self.options {
            $0.sessionCountMax = 0
            $0.transports = [.longPolling]
        }
        let answer = try request(
            try HubHarness(options: options), "POST", "/negotiate?negotiateVersion=1")

        #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(answer.contains("\r\nRetry-After: 5\r\n"))
        #expect(answer.contains("application/problem+json"))
    }

    @Test func `what leaves is counted out`() {
        let admission = HubAdmission(Self.options { $0.sessionCountMax = 1 })

        #expect(admission.enterSession())
        #expect(!admission.enterSession())
        #expect(!admission.hasRoomForSessions)
        admission.leaveSession()

        #expect(admission.enterSession())
    }

    // MARK: Requests

    /// The connection token.
    private func negotiate(_ hub: HubHarness, _ query: String) throws -> String {
        let answer = try request(hub, "POST", "/negotiate?negotiateVersion=1&\(query)")
        let mark = "\"connectionToken\":\""
        let start = try #require(answer.firstRange(of: mark)).upperBound
        return String(answer[start...].prefix { $0 != "\"" })
    }

    private func request(
        _ hub: HubHarness, _ method: String, _ target: String, accept: String? = nil
    ) throws -> String {
        let field = accept.map { "\nAccept: \($0)" } ?? ""
        return try hub.request("\(method) /hub\(target) HTTP/1.1\nContent-Length: 0\(field)")
    }

    /// What an upgrade was answered instead of 101.
    private func refusal(_ open: () throws -> WebSocketClient) throws -> String {
        do {
            _ = try open()
        } catch let error as ClientError {
            return error.description
        }
        return "101"
    }
}
