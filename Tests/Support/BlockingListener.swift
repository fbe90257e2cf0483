// BlockingListener: a listening socket without a loop, for peers that misbehave.

import Glibc

public final class BlockingListener {
    private let descriptor: Int32
    public let port: UInt16

    /// Listens on a free port of 127.0.0.1. Who connects is let in by the kernel, and waits.
    public init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, count) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, name, &count) == 0
            }
        }
        guard result else { throw ClientError(description: "listen: errno \(errno)") }
        port = UInt16(bigEndian: name.sin_port)
    }

    deinit { close(descriptor) }

    /// A port of 127.0.0.1 on which nobody listens.
    public static func refusingPort() throws -> UInt16 { try BlockingListener().port }

    /// The next connection's descriptor, the caller's to close.
    public func accept() throws -> Int32 {
        let accepted = Glibc.accept(descriptor, nil, nil)
        if accepted < 0 { throw ClientError(description: "accept: errno \(errno)") }
        return accepted
    }

    /// Takes the next connection and resets it; behind its first byte, if it has to have spoken.
    public func acceptAndReset(afterFirstByte: Bool = false) throws {
        let accepted = try accept()
        if afterFirstByte {
            var byte: UInt8 = 0
            guard read(accepted, &byte, 1) == 1 else {
                throw ClientError(description: "read: errno \(errno)")
            }
        }
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close(accepted)
    }
}
