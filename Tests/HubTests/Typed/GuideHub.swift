// GuideHub: the code of docs/HUBS.md, which GuideTests compares with it and runs.

import Hub
import Loop
import WS

struct Message: Codable {
    var user: String
    var text: String
}

struct LogCalls: HubFilter {
    let log: @Sendable (String) -> Void

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        log("\(call.caller.userID ?? "nobody") calls \(call.target)")
        return try await next(call)
    }
}

struct Shout: HubFilter {
    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        if call.target == "Secret" { return .void }
        let result = try await next(call)
        guard let text = result.value(as: String.self) else { return result }
        return try HubResult(encoding: text.uppercased())
    }
}

/// The numbers below a limit, each made when it is asked for.
struct Numbers: AsyncSequence, AsyncIteratorProtocol {
    let limit: Int
    var number = 0

    func makeAsyncIterator() -> Numbers { self }

    mutating func next() async -> Int? {
        if number >= limit { return nil }
        defer { number += 1 }
        return number
    }
}

enum GuideHub {
    static func first(_ print: @escaping @Sendable (String) -> Void) -> HubMethods {
        var hub = HubMethods()
        hub.method("Add") { (call, a: Int, b: Int) in a + b }
        hub.method("Say") { (call, text: String) in
            try await call.clients.others.send("Said", text)
        }
        hub.method("Sum") { (call, numbers: HubUpload<Int>) in
            try await numbers.reduce(0, +)
        }
        hub.stream("Count") { (call, limit: Int) in Numbers(limit: limit) }
        hub.method("Ask") { (call, id: String) -> String in
            try await call.clients.client(id).invoke("Name")
        }
        hub.onConnected { connection in
            try await connection.clients.others.send("Joined", connection.userID)
        }
        hub.onDisconnected { connection, error in
            try await connection.clients.all.send("Left", connection.userID)
        }
        hub.filter(LogCalls { line in print(line) })
        return hub
    }

    static func serve(
        _ hub: HubMethods, port: UInt16, started: @escaping @Sendable (String) -> Void
    ) throws -> LoopGroup {
        let server = HubServer(methods: hub)
        let loops = LoopGroup()
        try loops.start(count: 1, limits: Limits()) { reactor, _ in
            let endpoint = HubEndpoint(loop: HubLoop(server: server, reactor: reactor)) { request in
                .accepted(AuthenticatedUser(userID: request.query("user")))
            }
            var router = Router()
            endpoint.mount(on: &router, paths: ["/chat"])
            let http = HTTPServer(reactor: reactor, router: router)
            let address = try reactor.listen(host: "127.0.0.1", port: port, identity: nil) { _ in
                http.makeHandler()
            }
            started(address)
        }
        return loops
    }

    static func methods(_ hub: inout HubMethods) {
        hub.method("Post") { (call, message: Message, urgent: Bool?) in
            try await call.clients.all.send("Posted", message, urgent ?? false)
        }
        hub.method("WhoAmI") { call in call.caller.userID }
        hub.method("Anything") { (call, value: RawValue) in value }
        hub.method("Fibonacci") { (call, number: Int) async in fibonacci(number) }
    }

    static func access(_ hub: inout HubMethods) {
        hub.method("Mute") { (call, user: String) in
            try await call.clients.user(user).send("Muted")
        }
        hub.authorize("Mute") { caller in caller.userID == "moderator" }
    }

    static func uploads(_ hub: inout HubMethods) {
        hub.method("Import") { (call, room: String, messages: HubUpload<Message>) in
            var count = 0
            do {
                for try await message in messages {
                    try await call.clients.group(room).send("Posted", message)
                    count += 1
                }
            } catch let error as HubException {
                return "stopped after \(count): \(error.text)"
            }
            return "all \(count)"
        }
    }

    static func groups(_ hub: inout HubMethods) {
        hub.method("Enter") { (call, room: String) in
            try await call.groups.join(call.caller.connectionID, room)
            try await call.clients.othersInGroup(room).send("Entered", call.caller.userID)
        }
        hub.method("Whisper") { (call, user: String, text: String) in
            try await call.clients.user(user).send("Whispered", text)
        }
    }

    static func results(_ hub: inout HubMethods) {
        hub.method("Vote") { (call, ids: [String], question: String) in
            var yes = 0
            for id in ids {
                let client = call.clients.client(id)
                do {
                    if try await client.invoke("Vote", question, as: Bool.self) { yes += 1 }
                } catch is HubException {
                    // Whoever has gone or has no opinion does not count.
                }
            }
            return yes
        }
    }

    static func lifetime(_ hub: inout HubMethods, admits: @escaping @Sendable (String) -> Bool) {
        hub.onConnected { connection in
            guard let user = connection.userID else { return connection.abort() }
            if !admits(user) { throw HubException("The room is full.") }
            connection.caller.whenEnded { /* let go of what was kept for it */  }
        }
    }

    static func errors(_ hub: inout HubMethods) {
        hub.method("Divide") { (call, a: Int, b: Int) in
            if b == 0 { throw HubException("You cannot divide by zero.") }
            return a / b
        }
    }

    static func cancellation(_ hub: inout HubMethods) {
        hub.method("Slowly") { (call, steps: Int) in
            for step in 0..<steps {
                try Task.checkCancellation()
                try await call.clients.caller.send("Step", step)
            }
        }
    }

    static func outside(_ server: HubServer) async throws {
        try await server.clients.user("ann").send("Posted", Message(user: "us", text: "Hi."))
    }

    private static func fibonacci(_ number: Int) -> Int {
        var (a, b) = (0, 1)
        for _ in 0..<number { (a, b) = (b, a &+ b) }
        return a
    }
}
