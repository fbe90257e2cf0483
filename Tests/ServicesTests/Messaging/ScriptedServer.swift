// ScriptedServer: a broker on a real socket that says what the test tells it to.

import Glibc
import Loop
import TestSupport

@testable import Services

final class ScriptedServer {
    let listener: BlockingListener
    let broker = ScriptedBroker()
    private var connection: Int32 = -1
    private var pending: [String] = []

    init() throws { listener = try BlockingListener() }

    deinit { close() }

    var address: String { "127.0.0.1:\(listener.port)" }

    func close() {
        if connection >= 0 { Glibc.close(connection) }
        connection = -1
    }

    /// Takes the next connection through the handshake to `channel.open`, which is not answered.
    func acceptClient() throws {
        close()
        connection = try listener.accept()
        broker.expectNewClient()
        pending = []
        try expect("protocol header")
        broker.start()
        try send()
        try expect("connection.start-ok 0")
        broker.tune()
        try send()
        try expect("connection.tune-ok 0", "connection.open 0")
        broker.openOk()
        try send()
        try expect("channel.open 1")
    }

    /// Takes the next connection through handshake and declarations to `confirm.select`.
    ///
    /// - Parameter queueCount: how many declarations to answer.
    func acceptPublisher(queueCount: Int) throws {
        try acceptClient()
        broker.channelOpenOk(1)
        for _ in 0..<queueCount {
            try expect("queue.declare 1")
            broker.declareOk(1, "q", messages: 0)
        }
        try send()
        try expect("confirm.select 1")
        broker.confirmSelectOk(1)
        try send()
    }

    /// Sends what was scripted.
    func send() throws {
        var bytes = broker.take()
        while !bytes.isEmpty {
            let count = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            if count <= 0 { throw ClientError(description: "send: errno \(errno)") }
            bytes.removeFirst(count)
        }
    }

    /// The client's next frames; heartbeats are passed over.
    func expect(_ names: String...) throws {
        for name in names {
            while pending.isEmpty {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = recv(connection, &buffer, buffer.count, 0)
                if count <= 0 { throw ClientError(description: "the client is gone") }
                pending = broker.names(of: Array(buffer[..<count])).filter { $0 != "heartbeat" }
            }
            let next = pending.removeFirst()
            if next != name { throw ClientError(description: "\(next) in place of \(name)") }
        }
    }
}
