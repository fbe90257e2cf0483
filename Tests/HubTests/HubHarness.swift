// HubHarness: a hub on real sockets, with methods that show what tests ask about.

import Loop
import Testing
import TestSupport
import WS

@testable import Hub

final class HubHarness {
    let server: HubServer
    let ends = Monitor<[HubEnd]>([])
    let heldReplies = Monitor<[HubReply]>([])
    private let loop: LoopHarness
    private let probe: Mailbox<Monitor<HubCounters?>>
    var address: String { loop.address }

    /// - Parameter adding: what the hub has beyond the methods below. The query parameter `user` says
    ///   who a client is.
    init(
        options: HubOptions = HubOptions(), backplane: any Backplane = LocalBackplane(),
        limits: Limits = Limits(), expiresIn: Duration? = nil,
        onConnected: @escaping @Sendable (HubCaller) -> ConnectDecision = { _ in .accept },
        onBackplaneResumed: @escaping @Sendable (HubServer.Gap) -> Void = { _ in },
        adding: (inout HubMethods) -> Void = { _ in }
    ) throws {
        var hub = Self.methods(holding: heldReplies)
        hub.onConnected = { caller, reply in reply.decide(onConnected(caller)) }
        hub.onDisconnected = { [ends] _, end in ends.update { $0.append(end) } }
        adding(&hub)
        let server = HubServer(
            methods: hub, options: options, backplane: backplane,
            onBackplaneResumed: onBackplaneResumed)
        self.server = server
        let probes = Monitor<Mailbox<Monitor<HubCounters?>>?>(nil)
        loop = try LoopHarness(limits: limits) { reactor in
            let hubLoop = HubLoop(server: server, reactor: reactor)
            probes.update {
                $0 = reactor.makeMailbox { answer in answer.update { $0 = hubLoop.counters } }
            }
            let endpoint = HubEndpoint(loop: hubLoop) { request in
                if request.query("user") == "nobody" { return .refused(Response(.unauthorized)) }
                let expiresAt = expiresIn.map { SystemTime().wallNow.advanced(by: $0) }
                return .accepted(
                    AuthenticatedUser(userID: request.query("user"), expiresAt: expiresAt))
            }
            var router = Router()
            endpoint.mount(on: &router, paths: ["/hub", "/alias"])
            let http = HTTPServer(reactor: reactor, router: router)
            return try reactor.listen(host: "127.0.0.1", port: 0, identity: nil) { _ in
                http.makeHandler()
            }
        }
        probe = probes.withLock { $0! }
    }

    /// What the loop has counted so far.
    func counters() throws -> HubCounters {
        let answer = Monitor<HubCounters?>(nil)
        probe.post(answer)
        return try #require(answer.wait(atMost: .seconds(30)) { $0 })
    }

    private static func methods(holding held: Monitor<[HubReply]>) -> HubMethods {
        var hub = HubMethods()
        hub.method("Echo", arity: 1) { call in call.reply.result(call.arguments[0]) }
        hub.method("Nothing", arity: 0) { call in call.reply.void() }
        hub.method("Name", arity: 1) { call throws(BindingFailure) in
            call.reply.result(.string(try call.arguments.string(0)))
        }
        hub.method("WhoAmI", arity: 0) { call in
            let caller = call.caller
            call.reply.result(.string("\(caller.connectionID) \(caller.userID ?? "-")"))
        }
        hub.method("Hold", arity: 0) { call in held.update { $0.append(call.reply) } }
        hub.method("Forget", arity: 0) { _ in }
        hub.method("Refuse", arity: 0) { call in call.reply.hubException("no") }
        hub.method("Again", arity: 0) { call in
            call.reply.void()
            call.caller.send("Notification", [.string("again")])
        }
        hub.method("Abort", arity: 0) { call in call.caller.abort() }
        hub.method("Join", arity: 1) { call throws(BindingFailure) in
            call.caller.join(group: try call.arguments.string(0)) { call.reply.void() }
        }
        hub.method("Leave", arity: 1) { call throws(BindingFailure) in
            call.caller.leave(group: try call.arguments.string(0)) { call.reply.void() }
        }
        return hub
    }

    /// A socket without a handshake.
    func open(_ query: String = "") throws -> WebSocketClient {
        try WebSocketClient(to: address, path: "/hub" + query)
    }

    /// A client with its handshake done.
    func connect(_ query: String = "") throws -> WebSocketClient {
        let client = try open(query)
        try client.send("{\"protocol\":\"json\",\"version\":1}\u{1E}")
        #expect(try client.receiveRecord() == "{}")
        return client
    }

    /// Waits until as many connections have ended as `count`.
    func ends(_ count: Int) -> [HubEnd] {
        ends.wait(atMost: .seconds(30)) { $0.count >= count ? $0 : nil } ?? []
    }

    /// Waits until `Hold` was called that often.
    func held(_ count: Int) -> [HubReply] {
        heldReplies.wait(atMost: .seconds(30)) { $0.count >= count ? $0 : nil } ?? []
    }

    /// Shuts the server down while `body` plays the clients; whether all were gone in time. Every loop
    /// knows when `body` begins.
    func drain(during body: () throws -> Void) rethrows -> Bool {
        loop.beginDrain()
        try body()
        return loop.waitUntilDrained()
    }

    /// One HTTP exchange; the answer's head and body.
    func request(_ text: String) throws -> String {
        let client = try BlockingClient(to: address)
        try client.send(
            text.replacing("\n", with: "\r\n") + "\r\nHost: t\r\nConnection: close\r\n\r\n")
        return String(decoding: try client.receiveToEnd(), as: UTF8.self)
    }
}

extension WebSocketClient {
    /// Calls a method and gives the answer's record.
    func call(_ target: String, _ arguments: String = "", id: String = "1") throws -> String {
        try send(
            "{\"arguments\":[\(arguments)],\"invocationId\":\"\(id)\",\"target\":\"\(target)\","
                + "\"type\":1}\u{1E}")
        return try receiveRecord()
    }
}
