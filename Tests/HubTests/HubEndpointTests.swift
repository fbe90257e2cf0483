import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("HubEndpoint") struct HubEndpointTests {
    @Test func `a negotiated token opens one connection, once`() throws {
        let hub = try HubHarness()
        let (id, token) = try negotiate(hub, version: 1)
        let client = try hub.connect("?id=\(token)")

        #expect(try client.call("WhoAmI").hasSuffix("\"result\":\"\(id) -\"}"))
        expectRefusal(hub, "?id=\(token)", "409 Conflict", "")
        #expect(try client.call("Nothing").contains("null"))
        try client.close()
        _ = hub.ends(1)
        #expect(try client.receive() == WebSocketClient.Frame(opcode: 8, payload: [0x03, 0xE8]))
        expectRefusal(hub, "?id=\(token)", "404 Not Found", "No Connection with that ID")
    }

    @Test func `version 0 has one id for both`() throws {
        let hub = try HubHarness()
        let (id, token) = try negotiate(hub, version: 0)
        #expect(id == token)
        #expect(try hub.connect("?id=\(id)").call("WhoAmI").contains(id))
    }

    @Test func `the public id of version 1 opens nothing`() throws {
        let hub = try HubHarness()
        let (id, token) = try negotiate(hub, version: 1)
        expectRefusal(hub, "?id=\(id)", "404 Not Found", "No Connection with that ID")
        expectRefusal(
            hub, "?id=\(token)&id=\(token)", "404 Not Found", "No Connection with that ID")
        expectRefusal(hub, "?id=", "404 Not Found", "No Connection with that ID")
    }

    @Test func `without an id a connection is made on the spot, also on the alias`() throws {
        let hub = try HubHarness()
        let first = try hub.connect().call("WhoAmI")
        let second = try hub.connect("?user=ann").call("WhoAmI")
        #expect(first != second)
        #expect(second.contains(" ann"))
        let alias = try WebSocketClient(to: hub.address, path: "/alias")
        try alias.send("{\"protocol\":\"json\",\"version\":1}\u{1E}")
        #expect(try alias.receiveRecord() == "{}")
    }

    @Test func `the answer to negotiate is JSON of known length`() throws {
        let hub = try HubHarness()
        let answer = try hub.request(
            "POST /hub/negotiate?NEGOTIATEVERSION=1 HTTP/1.1\nContent-Length: 0")
        let (head, body) = split(answer)
        #expect(head.hasPrefix("HTTP/1.1 200 OK"))
        #expect(head.contains("Content-Type: application/json\r\n"))
        #expect(head.contains("Content-Length: \(body.utf8.count)\r\n"))
        #expect(body.contains("\"connectionToken\":"))
        #expect(!body.contains("useStatefulReconnect"))
    }

    @Test func `a bad version is an error with status 200`() throws {
        let hub = try HubHarness()
        for version in ["Invalid", "", "1.5", "-1"] {
            let (head, body) = split(
                try hub.request(
                    "POST /hub/negotiate?negotiateVersion=\(version) HTTP/1.1\nContent-Length: 0"))
            #expect(head.hasPrefix("HTTP/1.1 200 "))
            #expect(body.hasPrefix("{\"error\":\"") && !body.contains("connection"))
        }
    }

    @Test(arguments: [
        ("GET", "/hub/negotiate", "405", ""), ("PUT", "/hub/negotiate", "405", ""),
        ("DELETE", "/hub/negotiate", "405", ""), ("PUT", "/hub", "405", ""),
        ("PATCH", "/hub", "405", ""), ("HEAD", "/hub", "405", ""),
        ("GET", "/hub", "400", "Connection ID required"),
        ("POST", "/hub", "400", "Connection ID required"),
        ("DELETE", "/hub", "400", "Connection ID required"),
        ("GET", "/hub?id=x", "404", "No Connection with that ID"),
        ("POST", "/hub?id=x", "404", "No Connection with that ID"),
        ("DELETE", "/hub?id=x", "404", "No Connection with that ID"),
        ("POST", "/hub/negotiate?user=nobody", "401", ""), ("GET", "/hub?user=nobody", "401", ""),
    ])
    func `what is no WebSocket is refused in plain text`(
        method: String, target: String, status: String, text: String
    ) throws {
        let hub = try HubHarness()
        let (head, body) = split(
            try hub.request("\(method) \(target) HTTP/1.1\nContent-Length: 0"))
        #expect(head.hasPrefix("HTTP/1.1 \(status) "))
        #expect(body == text)
        if status != "401" { #expect(head.contains("Content-Type: text/plain")) }
    }

    @Test func `a hub that offers WebSockets only refuses the others by name`() throws {
        var options = HubOptions()
        options.transports = [.webSockets]
        let hub = try HubHarness(options: options)
        let (_, token) = try negotiate(hub, version: 1)
        for (field, name) in [
            ("", "LongPolling"), ("\nAccept: text/event-stream", "ServerSentEvents"),
        ] {
            let (head, body) = split(try hub.request("GET /hub?id=\(token) HTTP/1.1\(field)"))
            #expect(head.hasPrefix("HTTP/1.1 404 "))
            #expect(body == "\(name) transport not supported by this end point type")
        }
        #expect(try hub.connect("?id=\(token)").call("Nothing").contains("null"))
    }

    @Test func `a connection on a WebSocket takes no requests beside it`() throws {
        let hub = try HubHarness()
        let (_, token) = try negotiate(hub, version: 1)
        let client = try hub.connect("?id=\(token)")
        let expectations = [
            ("GET", "", "400 ", "Cannot change transports mid-connection"),
            (
                "GET", "\nAccept: text/event-stream", "400 ",
                "Cannot change transports mid-connection"
            ),
            ("POST", "", "405 ", "POST requests are not allowed for WebSocket connections."),
            ("DELETE", "", "400 ", "Cannot terminate this connection using the DELETE endpoint."),
        ]
        for (method, field, status, text) in expectations {
            let (head, body) = split(
                try hub.request("\(method) /hub?id=\(token) HTTP/1.1\nContent-Length: 0\(field)"))
            #expect(head.hasPrefix("HTTP/1.1 \(status)"))
            #expect(body == text)
        }
        #expect(try client.call("Nothing").contains("null"))
    }

    @Test func `an upgrade is refused to strangers, to old versions and to foreign pages`() throws {
        var options = HubOptions()
        options.allowedOrigins = ["https://shop.example"]
        let hub = try HubHarness(options: options)
        expectRefusal(hub, "?user=nobody", "401 ", "")
        #expect(throws: ClientError.self) {
            try WebSocketClient(
                to: hub.address, path: "/hub", fields: ["Origin: https://evil.example"])
        }
        _ = try WebSocketClient(
            to: hub.address, path: "/hub", fields: ["Origin: https://shop.example"])
        let old = try hub.request(
            "GET /hub HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 8\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        #expect(old.hasPrefix("HTTP/1.1 426 "))
    }

    @Test func `a hub without WebSockets offers none and refuses them`() throws {
        var options = HubOptions()
        options.transports = []
        let hub = try HubHarness(options: options)
        let answer = try hub.request("POST /hub/negotiate HTTP/1.1\nContent-Length: 0")
        #expect(answer.hasSuffix("\"availableTransports\":[]}"))
        expectRefusal(
            hub, "", "404 Not Found", "WebSockets transport not supported by this end point type")
    }

    private func expectRefusal(_ hub: HubHarness, _ query: String, _ status: String, _ body: String)
    {
        do {
            _ = try hub.open(query)
            Issue.record("the upgrade was accepted")
        } catch {
            #expect("\(error)".hasPrefix("HTTP/1.1 \(status)"))
            #expect("\(error)".hasSuffix("\r\n\r\n" + body))
        }
    }

    private func split(_ answer: String) -> (head: String, body: String) {
        guard let end = answer.firstRange(of: "\r\n\r\n") else { return (answer, "") }
        return (String(answer[..<end.upperBound]), String(answer[end.upperBound...]))
    }

    private func negotiate(
        _ hub: HubHarness, version: Int
    ) throws -> (connectionID: String, token: String) {
        let (_, body) = split(
            try hub.request(
                "POST /hub/negotiate?negotiateVersion=\(version) HTTP/1.1\nContent-Length: 0"))
        func value(_ name: String) -> String? {
            guard let start = body.firstRange(of: "\"\(name)\":\"") else { return nil }
            return String(body[start.upperBound...].prefix { $0 != "\"" })
        }
        let id = try #require(value("connectionId"))
        return (id, value("connectionToken") ?? id)
    }
}
