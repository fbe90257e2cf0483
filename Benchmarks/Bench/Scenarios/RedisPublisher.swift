// RedisPublisher: broadcasts through the SignalR backplane, as another server would send them.
//
//   PUBLISH <prefix><hub>:all [ [], { "json": record RS } ]        MessagePack, as the hub's pods do
//   reply: how many pods have it
//
// Thread: one that may wait.  Allocates: the command, per broadcast.
// Source: ASP.NET Core SignalR, RedisProtocol; MessagePack specification.

import Hub

final class RedisPublisher {
    /// The channel for everybody of contoso's hub with its default settings.
    static let channelDefault = "contoso-signalrOrderNotification.Worker.Hubs.OrderStatusHub:all"

    private let socket: RedisSocket
    private let channel: String

    init(host: String, port: UInt16, channel: String) throws(BenchError) {
        self.channel = channel
        socket = try RedisSocket(host: host, port: port)
    }

    /// Publishes one record and waits for the reply.
    ///
    /// - Returns: subscribers that got it.
    @discardableResult
    func publish(_ record: [UInt8]) throws(BenchError) -> Int {
        let envelope = Self.envelope(record)
        var command = RedisCommand("PUBLISH", argumentCount: 2, byteCount: envelope.count + 96)
        command.append(channel)
        command.append(envelope)
        try socket.send(command.bytes)
        let line = try readLine()
        guard line.hasPrefix(":"), let count = Int(line.dropFirst()) else {
            throw BenchError(description: "redis at \(socket.address) answers \(line)")
        }
        return count
    }

    static func envelope(_ record: [UInt8]) -> [UInt8] {
        // [ [], { "json": bin } ]
        var bytes: [UInt8] = [0x92, 0x90, 0x81, 0xA4] + Array("json".utf8)
        switch record.count {
        case ..<0x100: bytes += [0xC4, UInt8(record.count)]
        case ..<0x10000: bytes += [0xC5, UInt8(record.count >> 8), UInt8(record.count & 255)]
        default: bytes += [0xC6] + (0..<4).map { UInt8(record.count >> (24 - 8 * $0) & 255) }
        }
        return bytes + record
    }

    private func readLine() throws(BenchError) -> String {
        var line: [UInt8] = []
        repeat {
            guard line.count < 4096 else {
                throw BenchError(description: "redis at \(socket.address) answers without an end")
            }
            line += try socket.receive()
        } while line.last != 0x0A
        return String(decoding: line.dropLast(2), as: UTF8.self)
    }
}
