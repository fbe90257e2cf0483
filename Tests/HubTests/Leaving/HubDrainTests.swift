import Foundation
import Loop
import Testing
import TestSupport
import WS

@testable import Hub

/// A drain as clients see it.
@Suite("HubDrain") struct HubDrainTests {
    private static let goodbye = #"{"type":7,"allowReconnect":true}"#

    /// More time than any test takes.
    private func patient() -> HubOptions {
        var options = HubOptions()
        options.drainPeriod = .seconds(600)
        return options
    }

    @Test func `a call under way is finished and answered before its client is sent away`() throws {
        let hub = try HubHarness(options: patient())
        let idle = try hub.connect()
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")
        let held = hub.held(1)
        #expect(held.count == 1)

        let isEmpty = try hub.drain {
            // Idle ones go first, and the call goes on meanwhile.
            #expect(try idle.receiveRecord() == Self.goodbye)
            held.first?.result(.string("done"))
            #expect(
                try busy.receiveRecord() == #"{"type":3,"invocationId":"7","result":"done"}"#)
            #expect(try busy.receiveRecord() == Self.goodbye)
            try idle.close()
            try busy.close()
        }

        #expect(isEmpty)
        #expect(hub.ends(2) == [.shutdown, .shutdown])
        let progress = hub.server.drain.progress
        #expect(progress.count == 2 && progress.leftCount == 0)
        #expect(progress.closedCount == 2 && progress.cutCount == 0)
    }

    @Test func `a busy client is served during the drain`() throws {
        let hub = try HubHarness(options: patient())
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")
        let held = hub.held(1)
        let isEmpty = try hub.drain {
            hub.server.send(to: .all, target: "News", arguments: [.string("late")])
            #expect(
                try busy.receiveRecord() == #"{"type":1,"target":"News","arguments":["late"]}"#)
            held.first?.void()
            #expect(try busy.receiveRecord().contains(#""invocationId":"7""#))
            #expect(try busy.receiveRecord() == Self.goodbye)
            try busy.close()
        }
        #expect(isEmpty)
    }

    @Test func `a call that does not end is cut at the end, and its client is told to come back`()
        throws
    {
        var options = HubOptions()
        options.drainPeriod = .milliseconds(200)
        let hub = try HubHarness(options: options)
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")
        _ = hub.held(1)

        let isEmpty = try hub.drain {
            #expect(try busy.receiveRecord() == Self.goodbye)
            try busy.close()
        }

        #expect(isEmpty)
        #expect(hub.server.drain.progress.cutCount == 1)
    }

    @Test func `a client that leaves by itself takes no turn`() throws {
        let hub = try HubHarness(options: patient())
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")
        _ = hub.held(1)

        let isEmpty = try hub.drain { try busy.close() }

        #expect(isEmpty)
        let progress = hub.server.drain.progress
        #expect(progress.count == 1 && progress.leftCount == 0 && progress.closedCount == 0)
    }

    @Test func `clients of every transport are told`() throws {
        let hub = try HubHarness(options: patient())
        let socket = try hub.connect()
        let poller = try PollingClient(hub)
        let listener = try EventClient(hub)

        let isEmpty = try hub.drain {
            #expect(try socket.receiveRecord() == Self.goodbye)
            try socket.close()
            #expect(try poller.answer().hasSuffix(Self.goodbye + "\u{1E}"))
            #expect(try listener.rest().contains("data: " + Self.goodbye))
        }

        #expect(isEmpty)
        #expect(hub.ends(3) == [.shutdown, .shutdown, .shutdown])
    }
}

/// A client whose poll waits.
private struct PollingClient {
    private let poll: BlockingClient

    init(_ hub: HubHarness) throws {
        let id = try hub.negotiatedToken()
        _ = try hub.request("GET /hub?id=\(id) HTTP/1.1")
        #expect(try hub.post(Self.handshake, to: id).hasPrefix("HTTP/1.1 200"))
        #expect(try hub.request("GET /hub?id=\(id) HTTP/1.1").hasSuffix("{}\u{1E}"))
        poll = try BlockingClient(to: hub.address)
        try poll.send("GET /hub?id=\(id) HTTP/1.1\r\nHost: t\r\n\r\n")
        // The loop has read the poll when it answers whoever comes behind it.
        _ = try hub.negotiatedToken()
    }

    static let handshake = #"{"protocol":"json","version":1}"# + "\u{1E}"

    /// The connection ends behind it.
    func answer() throws -> String { String(decoding: try poll.receiveToEnd(), as: UTF8.self) }
}

private struct EventClient {
    private let stream: BlockingClient

    init(_ hub: HubHarness) throws {
        let id = try hub.negotiatedToken()
        stream = try BlockingClient(to: hub.address)
        try stream.send(
            "GET /hub?id=\(id) HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\r\n")
        #expect(try hub.post(PollingClient.handshake, to: id).hasPrefix("HTTP/1.1 200"))
    }

    func rest() throws -> String { String(decoding: try stream.receiveToEnd(), as: UTF8.self) }
}

extension HubHarness {
    fileprivate func negotiatedToken() throws -> String {
        let answer = try request(
            "POST /hub/negotiate?negotiateVersion=1 HTTP/1.1\nContent-Length: 0")
        let field = try #require(answer.range(of: #""connectionToken":""#))
        return String(answer[field.upperBound...].prefix { $0 != "\"" })
    }

    fileprivate func post(_ text: String, to id: String) throws -> String {
        let client = try BlockingClient(to: address)
        try client.send(
            "POST /hub?id=\(id) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
        return String(decoding: try client.receiveToEnd(), as: UTF8.self)
    }
}
