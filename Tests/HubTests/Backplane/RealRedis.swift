// RealRedis: a real redis-server in the place of the fake one.

import TestSupport

@testable import Hub

/// What the tests of several pods need of a server.
protocol TestRedis: AnyObject {
    var port: UInt16 { get }
    func publish(_ payload: [UInt8], to channel: String) throws
    /// Cuts the subscribing connections of the pods with that client name.
    func cutSubscribers(named: String) throws
}

/// What the same test runs against.
enum RedisKind: String, CaseIterable, Sendable {
    case fake, real

    /// The real one only where there is one.
    static var available: [RedisKind] { RealRedis.shared == nil ? [.fake] : allCases }

    func make() throws -> any TestRedis {
        switch self {
        case .fake: return try FakeRedis()
        case .real:
            guard let shared = RealRedis.shared else {
                throw ClientError(description: "CONTOSO_TEST_REDIS names no server")
            }
            return shared
        }
    }
}

/// The server of CONTOSO_TEST_REDIS, or one of a test's own.
final class RealRedis: TestRedis, Sendable {
    /// Nil if there is none to test against.
    static let shared: RealRedis? = {
        guard let text = RedisServer.sharedURL,
            let options = try? RedisOptions(text)  // a wrong text shows as a missing server
        else { return nil }
        return RealRedis(port: options.servers[0].port)
    }()

    let port: UInt16

    init(port: UInt16) { self.port = port }

    func publish(_ payload: [UInt8], to channel: String) throws {
        _ = try run([Array("PUBLISH".utf8), Array(channel.utf8), payload])
    }

    func cutSubscribers(named name: String) throws { try cut("pubsub", named: name) }

    /// - Parameter type: as CLIENT LIST has it.
    func cut(_ type: String, named name: String) throws {
        for line in try run("CLIENT", "LIST", "TYPE", type).split(whereSeparator: \.isNewline)
        where line.contains(" name=\(name) ") {
            let id = line.split(separator: " ")[0].dropFirst("id=".count)
            _ = try run("CLIENT", "KILL", "ID", String(id))
        }
    }

    /// One command on a connection of its own; the reply as it stands on the wire.
    @discardableResult func run(_ words: String...) throws -> String {
        try run(words.map { Array($0.utf8) })
    }

    private func run(_ words: [[UInt8]]) throws -> String {
        let client = try BlockingClient(to: "127.0.0.1:\(port)")
        var command = Array("*\(words.count)\r\n".utf8)
        for word in words { command += Array("$\(word.count)\r\n".utf8) + word + [0x0D, 0x0A] }
        try client.send(command + Array("*1\r\n$4\r\nQUIT\r\n".utf8))
        let reply = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        if reply.hasPrefix("-") { throw ClientError(description: reply) }
        return reply
    }
}
