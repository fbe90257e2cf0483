// RedisSocket: a connection to Redis on a thread that may wait.
//
// Thread: one at a time.  Allocates: what is received.

import CLinux
import Glibc

final class RedisSocket {
    /// HOST:PORT, for messages.
    let address: String
    private let descriptor: Int32

    /// For one send or receive.
    private static let timeoutMilliseconds: Int32 = 5000
    private static let receiveByteCount = 16 * 1024

    init(host: String, port: UInt16) throws(BenchError) {
        address = "\(host):\(port)"
        descriptor = clinux_connect(host, port)
        guard descriptor >= 0 else {
            let reason = strerror(-descriptor).map { String(cString: $0) } ?? ""
            throw BenchError(
                description: "cannot reach redis at \(address): \(reason); check --publish")
        }
    }

    deinit { _ = clinux_close(descriptor) }

    func send(_ bytes: [UInt8]) throws(BenchError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                clinux_send(descriptor, $0.baseAddress, $0.count)
            }
            if count == -Int(EAGAIN) {
                try wait(for: POLLOUT)
            } else if count > 0 {
                sent += count
            } else {
                throw gone
            }
        }
    }

    /// The next bytes, at least one.
    func receive() throws(BenchError) -> [UInt8] {
        while true {
            let bytes = try receiveNow()
            if !bytes.isEmpty { return bytes }
            try wait(for: POLLIN)
        }
    }

    /// The next bytes; none if there are none within `milliseconds`.
    func receive(atMost milliseconds: Int32) throws(BenchError) -> [UInt8] {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, milliseconds) > 0 ? try receiveNow() : []
    }

    private func receiveNow() throws(BenchError) -> [UInt8] {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.receiveByteCount) { buffer, filled in
            count = clinux_recv(descriptor, buffer.baseAddress, buffer.count)
            filled = max(0, count)
        }
        guard count > 0 || count == -Int(EAGAIN) else { throw gone }
        return bytes
    }

    private func wait(for events: Int32) throws(BenchError) {
        var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        if poll(&waiting, 1, Self.timeoutMilliseconds) < 1 {
            throw BenchError(description: "redis at \(address) does not answer")
        }
    }

    private var gone: BenchError { BenchError(description: "redis at \(address) is gone") }
}
