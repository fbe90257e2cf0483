// FakeRedis: the part of a Redis server that a backplane uses, in this process, with faults on order.
//
// Thread: its own loop; tests speak to it through a mailbox and read what it has seen.

import Loop
import TestSupport

final class FakeRedis: TestRedis {
    /// What tests ask for.
    enum Order: Sendable {
        case publish(channel: [UInt8], payload: [UInt8])
        case cutSubscribers
        /// Cuts everybody and refuses new connections until it is back.
        case goAway
        case comeBack
        /// Takes everything and answers nothing.
        case freeze
        case thaw
        /// Channels that may not be subscribed: those that contain this.
        case forbid(String?)
        /// PUBSUB is no command that the user may use.
        case refuseCounting
    }

    /// All commands in order, arguments as text.
    let seen = Monitor<[[String]]>([])
    let port: UInt16
    private let loop: LoopHarness
    private let orders: Mailbox<Order>
    private let served: Monitor<Int>
    private let orderCount = Monitor(0)

    init() throws {
        let made = Monitor<Mailbox<Order>?>(nil)
        let served = Monitor(0)
        self.served = served
        loop = try LoopHarness { [seen] reactor in
            let server = FakeRedisServer(seen: seen)
            let mailbox = reactor.makeMailbox(of: Order.self) { order in
                server.obey(order)
                served.update { $0 += 1 }
            }
            made.update { $0 = mailbox }
            return try reactor.listen(host: "127.0.0.1", port: 0, identity: nil) { _ in
                FakeRedisClient(server)
            }
        }
        orders = made.withLock { $0! }
        port = UInt16(loop.address.split(separator: ":").last!)!
    }

    /// Returns when it is done.
    func obey(_ order: Order) {
        let number = orderCount.update { count in
            count += 1
            return count
        }
        orders.post(order)
        _ = served.wait(atMost: .seconds(30)) { $0 >= number ? true : nil }
    }

    func publish(_ payload: [UInt8], to channel: String) {
        obey(.publish(channel: Array(channel.utf8), payload: payload))
    }

    func cutSubscribers(named: String) { obey(.cutSubscribers) }

    /// Waits for a command, and gives all of its name so far.
    func commands(_ name: String, atLeast count: Int = 1) -> [[String]] {
        seen.wait(atMost: .seconds(30)) { seen in
            let found = seen.filter { $0[0] == name }
            return found.count >= count ? found : nil
        } ?? []
    }
}

/// State of the fake's loop.
private final class FakeRedisServer {
    let seen: Monitor<[[String]]>
    private var clients: [EventToken: FakeRedisClient] = [:]
    private var isAway = false
    private(set) var isFrozen = false
    private var forbidden: String?
    private var isCountingRefused = false

    init(seen: Monitor<[[String]]>) { self.seen = seen }

    func opened(_ client: FakeRedisClient, _ connection: Connection) {
        if isAway { return connection.abort() }
        clients[connection.token] = client
    }

    func closed(_ connection: Connection) { clients[connection.token] = nil }

    func obey(_ order: FakeRedis.Order) {
        switch order {
        case .publish(let channel, let payload): _ = publish(payload, to: channel)
        case .cutSubscribers:
            for client in clients.values where !client.channels.isEmpty { client.abort() }
        case .goAway:
            isAway = true
            for client in clients.values { client.abort() }
        case .comeBack: isAway = false
        case .freeze: isFrozen = true
        case .thaw:
            isFrozen = false
            for client in clients.values { client.executeHeld() }
        case .forbid(let text): forbidden = text
        case .refuseCounting: isCountingRefused = true
        }
    }

    func execute(_ command: [[UInt8]], for client: FakeRedisClient) {
        let texts = command.map { String(decoding: $0, as: UTF8.self) }
        seen.update { $0.append(texts) }
        switch texts[0] {
        case "SUBSCRIBE":
            if let forbidden, texts.contains(where: { $0.contains(forbidden) }) {
                return client.send("-NOPERM No permissions to access a channel\r\n")
            }
            for channel in command.dropFirst() {
                client.channels.insert(channel)
                client.confirm("subscribe", channel)
            }
        case "UNSUBSCRIBE":
            for channel in command.dropFirst() {
                client.channels.remove(channel)
                client.confirm("unsubscribe", channel)
            }
        case "PUBLISH": client.send(":\(publish(command[2], to: command[1]))\r\n")
        case "PUBSUB" where isCountingRefused:
            client.send("-NOPERM this user has no permissions to run the 'pubsub' command\r\n")
        case "PUBSUB":
            client.send("*\(2 * (command.count - 2))\r\n")
            for channel in command.dropFirst(2) {
                client.bulk(channel)
                client.send(":\(receivers(of: channel).count)\r\n")
            }
        case "PING" where client.channels.isEmpty && texts.count == 1: client.send("+PONG\r\n")
        case "PING":
            let token = texts.count > 1 ? texts[1] : ""
            if client.channels.isEmpty {
                client.send("$\(token.utf8.count)\r\n\(token)\r\n")
            } else {
                client.send("*2\r\n$4\r\npong\r\n$\(token.utf8.count)\r\n\(token)\r\n")
            }
        default: client.send("+OK\r\n")
        }
    }

    private func publish(_ payload: [UInt8], to channel: [UInt8]) -> Int {
        let receivers = receivers(of: channel)
        for client in receivers {
            client.send("*3\r\n$7\r\nmessage\r\n")
            client.bulk(channel)
            client.bulk(payload)
        }
        return receivers.count
    }

    private func receivers(of channel: [UInt8]) -> [FakeRedisClient] {
        clients.values.filter { $0.channels.contains(channel) }
    }
}

private final class FakeRedisClient: ConnectionHandler {
    var channels: Set<[UInt8]> = []
    private let server: FakeRedisServer
    private var connection: Connection?
    private var held: [[[UInt8]]] = []

    init(_ server: FakeRedisServer) { self.server = server }

    override func opened(_ connection: Connection) {
        self.connection = connection
        server.opened(self, connection)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        server.closed(connection)
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        var used = 0
        while let (command, end) = Self.command(UnsafeRawBufferPointer(bytes), from: used) {
            used = end
            if server.isFrozen { held.append(command) } else { server.execute(command, for: self) }
        }
        return used
    }

    func executeHeld() {
        let commands = held
        held = []
        for command in commands { server.execute(command, for: self) }
    }

    func abort() { connection?.abort() }

    func send(_ text: String) { connection?.send(Array(text.utf8)) }

    func bulk(_ bytes: [UInt8]) {
        send("$\(bytes.count)\r\n")
        connection?.send(bytes + Array("\r\n".utf8))
    }

    func confirm(_ kind: String, _ channel: [UInt8]) {
        send("*3\r\n$\(kind.utf8.count)\r\n\(kind)\r\n")
        bulk(channel)
        send(":\(channels.count)\r\n")
    }

    /// `*2\r\n$4\r\nPING\r\n…`; nil while something is missing.
    private static func command(
        _ bytes: UnsafeRawBufferPointer, from start: Int
    ) -> ([[UInt8]], end: Int)? {
        var offset = start
        func number() -> Int? {
            guard let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { offset = end + 1 }
            return Int(String(decoding: bytes[(offset + 1)..<(end - 1)], as: UTF8.self))
        }
        guard let count = number() else { return nil }
        var arguments: [[UInt8]] = []
        for _ in 0..<count {
            guard let length = number(), bytes.count >= offset + length + 2 else { return nil }
            arguments.append(Array(bytes[offset..<offset + length]))
            offset += length + 2
        }
        return (arguments, offset)
    }
}
