// FaultyLink: a TCP relay between a client under test and a real server, with faults on demand.
//
//   client ──▶ relay ──▶ server         passing: both ways
//                                       stalled: both sides stay connected, nothing moves
//                                       cut: connections end with a reset, new ones too
//                                       answerLost: the answer to the marked request is dropped,
//                                       then cut
//
// Thread: one of its own; `set` from any.

import Glibc
import Loop

public final class FaultyLink: Sendable {
    public enum Fault: Equatable, Sendable {
        case passing, stalled, cut
        /// Once a client has sent these bytes, its server's answer never comes.
        case answerLost(after: [UInt8])
    }

    private struct State: Sendable {
        var fault = Fault.passing
        var isClosed = false
        /// How often the fault bit: a fault that meets nobody proves nothing.
        var biteCount = 0
    }

    private final class Pair {
        let client: Int32
        let server: Int32
        /// The marked request has passed.
        var isMarked = false
        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }
    }

    public let port: UInt16
    private let state = Monitor(State())
    private let thread: NativeThread

    /// Relays from a free port of 127.0.0.1 to a port there.
    public init(to serverPort: UInt16) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        if !isBound { throw ClientError(description: "listen: errno \(errno)") }
        port = UInt16(bigEndian: name.sin_port)
        let state = state
        thread = NativeThread(name: "faulty-link") {
            Self.relay(listener, to: serverPort, state)
        }
    }

    deinit {
        state.withLock { $0.isClosed = true }
        thread.join()
    }

    public func set(_ fault: Fault) { state.withLock { $0.fault = fault } }
    public var biteCount: Int { state.withLock { $0.biteCount } }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return name
    }

    // MARK: The relay's thread

    private static func relay(_ listener: Int32, to serverPort: UInt16, _ state: Monitor<State>) {
        var pairs: [Pair] = []
        while true {
            let now = state.withLock { $0 }
            if now.isClosed { break }
            if now.fault == .cut {
                pairs.forEach(reset)
                pairs = []
            }
            var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            if now.fault != .stalled {
                for pair in pairs {
                    polled.append(pollfd(fd: pair.client, events: Int16(POLLIN), revents: 0))
                    polled.append(pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0))
                }
            }
            // The fault is looked at again every few milliseconds.
            guard poll(&polled, nfds_t(polled.count), 5) > 0 else { continue }
            var ended: [Int] = []
            for index in stride(from: 1, to: polled.count, by: 2) {
                let pair = pairs[(index - 1) / 2]
                var isOpen = true
                if polled[index].revents != 0 { isOpen = forwardRequest(pair, now.fault) }
                if isOpen, polled[index + 1].revents != 0 {
                    isOpen = forwardAnswer(pair, state)
                }
                if !isOpen { ended.append((index - 1) / 2) }
            }
            for index in ended.reversed() { reset(pairs.remove(at: index)) }
            if polled[0].revents != 0, let pair = accept(listener, to: serverPort) {
                pairs.append(pair)
                let isHit = now.fault == .stalled || now.fault == .cut
                if isHit { state.withLock { $0.biteCount += 1 } }
            }
        }
        pairs.forEach(reset)
        close(listener)
    }

    private static func accept(_ listener: Int32, to serverPort: UInt16) -> Pair? {
        let client = Glibc.accept(listener, nil, nil)
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = loopback(port: serverPort)
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let pair = Pair(client: client, server: server)
        if result == 0 { return pair }
        reset(pair)
        return nil
    }

    /// - Returns: false if the pair is to end.
    private static func forwardRequest(_ pair: Pair, _ fault: Fault) -> Bool {
        guard let bytes = receive(pair.client) else { return false }
        if case .answerLost(let mark) = fault, contains(bytes, mark) { pair.isMarked = true }
        return send(bytes, to: pair.server)
    }

    private static func forwardAnswer(_ pair: Pair, _ state: Monitor<State>) -> Bool {
        guard let bytes = receive(pair.server) else { return false }
        if pair.isMarked {
            state.withLock { $0.biteCount += 1 }
            return false
        }
        return send(bytes, to: pair.client)
    }

    private static func contains(_ bytes: [UInt8], _ mark: [UInt8]) -> Bool {
        guard bytes.count >= mark.count else { return false }
        return (0...bytes.count - mark.count).contains { start in
            bytes[start..<start + mark.count].elementsEqual(mark)
        }
    }

    private static func receive(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            offset += count
        }
        return true
    }

    private static func reset(_ pair: Pair) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        for descriptor in [pair.client, pair.server] {
            setsockopt(
                descriptor, SOL_SOCKET, SO_LINGER, &linger,
                socklen_t(MemoryLayout<Glibc.linger>.size))
            close(descriptor)
        }
    }
}
