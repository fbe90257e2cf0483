// BlockingClient: a plain TCP client for tests; every wait ends after thirty seconds.

import Glibc

public struct ClientError: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

public final class BlockingClient {
    public let descriptor: Int32

    /// Connects to "127.0.0.1:PORT", as `Reactor.listen` returns it.
    public init(to address: String, receiveBufferByteCount: Int? = nil) throws {
        let port = UInt16(address.split(separator: ":").last!)!
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBufferByteCount.map(Int32.init) {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw ClientError(description: "connect: errno \(errno)") }
    }

    deinit { close(descriptor) }

    public func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { throw ClientError(description: "send: errno \(errno)") }
            offset += count
        }
    }

    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends them together with what is sent next.
    public func hold(_ bytes: [UInt8]) throws {
        let count = Glibc.send(
            descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_MORE))
        if count != bytes.count { throw ClientError(description: "send: errno \(errno)") }
    }

    /// At most `max` bytes; empty at the end of the stream. A reset is an error.
    public func receive(max: Int = 65_536) throws -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, filled in
            let count = recv(descriptor, buffer.baseAddress, max, 0)
            failure = count < 0 ? errno : 0
            filled = Swift.max(0, count)
        }
        if failure != 0 { throw ClientError(description: "recv: errno \(failure)") }
        return bytes
    }

    /// Exactly `count` bytes, or an error if the stream ends before.
    public func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive(max: count - bytes.count)
            if more.isEmpty {
                throw ClientError(description: "the stream ended after \(bytes.count) bytes")
            }
            bytes += more
        }
        return bytes
    }

    /// Everything until the server closes.
    public func receiveToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try receive()
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// True once nothing is left to be read and nothing more will come.
    public var hasEnded: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN
    }

    public func closeWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the close a TCP reset.
    public func resetOnClose() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
}
