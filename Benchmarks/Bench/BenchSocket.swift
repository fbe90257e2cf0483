// BenchSocket: one WebSocket of the load generator.
//
// Thread: one.  Allocates: in `connect` only.  Source: RFC 6455 §4.1.

import CLinux
import Glibc

/// A run that cannot go on; the text says why.
struct BenchError: Error, CustomStringConvertible {
    let description: String
}

/// Owns its descriptor.
struct BenchSocket: ~Copyable {
    let descriptor: Int32

    private static let handshakeTimeoutMilliseconds: Int32 = 5000

    /// Connects and upgrades; blocks until the server has answered.
    init(_ options: BenchOptions) throws(BenchError) {
        descriptor = clinux_connect(options.host, options.port)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(-descriptor))
            throw BenchError(
                description: "cannot connect to \(options.host):\(options.port): \(reason)")
        }
        try upgrade(options)
    }

    deinit { if descriptor >= 0 { _ = clinux_close(descriptor) } }

    private func upgrade(_ options: BenchOptions) throws(BenchError) {
        let request = Array(
            ("GET \(options.path) HTTP/1.1\r\nHost: \(options.host):\(options.port)\r\n"
                + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").utf8)
        // A fresh socket takes a few hundred bytes at once.
        guard clinux_send(descriptor, request, request.count) == request.count else {
            throw BenchError(description: "the upgrade request was not taken")
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while !answer.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var waiting = pollfd(descriptor: descriptor)
            guard poll(&waiting, 1, Self.handshakeTimeoutMilliseconds) == 1 else {
                throw BenchError(description: "the server does not answer the upgrade")
            }
            let count = clinux_recv(descriptor, &buffer, buffer.count)
            guard count > 0, answer.count < 16_384 else {
                throw BenchError(description: "the server ended the upgrade")
            }
            answer += buffer[..<count]
        }
        let statusLine = String(decoding: answer.prefix { $0 != 0x0D }, as: UTF8.self)
        guard statusLine.hasPrefix("HTTP/1.1 101") else {
            throw BenchError(description: "the server refused the upgrade: \(statusLine)")
        }
    }
}

extension pollfd {
    /// Waits for something to read.
    fileprivate init(descriptor: Int32) {
        self.init(fd: descriptor, events: Int16(POLLIN), revents: 0)
    }
}
