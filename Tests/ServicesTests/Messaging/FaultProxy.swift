// FaultProxy: a TCP relay that a test can stop and cut.
//
//   client ◀── thread ──▶ proxy ◀── thread ──▶ server       flows: up, down; each can be held

import Glibc
import Loop
import TestSupport

final class FaultProxy: Sendable {
    private struct State: Sendable {
        var isUpHeld = false
        var isDownHeld = false
        var isRefusing = false
        var descriptors: [Int32] = []
        var connectionCount = 0
        var isOver = false
    }

    let address: String
    private let target: String
    private let listener: Int32
    private let state = Monitor(State())

    /// - Parameter target: "127.0.0.1:PORT".
    init(to target: String) {
        self.target = target
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, size) == 0)
                precondition(listen(listener, 16) == 0)
                precondition(getsockname(listener, $0, &size) == 0)
            }
        }
        address = "127.0.0.1:\(UInt16(bigEndian: name.sin_port))"
        _ = NativeThread(name: "proxy") { [state] in
            Self.accept(listener, target, state)
        }
    }

    deinit {
        state.update { $0.isOver = true }
        cut()
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// Connections so far.
    var connectionCount: Int { state.withLock { $0.connectionCount } }

    /// What the server sends is kept back; it looks frozen.
    func holdDown(_ isHeld: Bool = true) { state.update { $0.isDownHeld = isHeld } }
    func holdUp(_ isHeld: Bool = true) { state.update { $0.isUpHeld = isHeld } }
    func refuse(_ isRefusing: Bool = true) { state.update { $0.isRefusing = isRefusing } }

    /// Ends all connections there are; what is held is lost.
    func cut() {
        state.update { state in
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            state.descriptors = []
        }
    }

    private static func accept(_ listener: Int32, _ target: String, _ state: Monitor<State>) {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 { return }
            guard !state.withLock({ $0.isRefusing }), let server = try? BlockingClient(to: target)
            else {
                close(client)
                continue
            }
            let upstream = dup(server.descriptor)
            var forever = timeval()
            setsockopt(
                upstream, SOL_SOCKET, SO_RCVTIMEO, &forever, socklen_t(MemoryLayout<timeval>.size))
            state.update { state in
                state.connectionCount += 1
                state.descriptors += [client, upstream]
            }
            _ = NativeThread(name: "up") { Self.copy(client, upstream, state) { $0.isUpHeld } }
            _ = NativeThread(name: "down") { Self.copy(upstream, client, state) { $0.isDownHeld } }
        }
    }

    private static func copy(
        _ source: Int32, _ sink: Int32, _ state: Monitor<State>,
        _ isHeld: (State) -> Bool
    ) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            // Held bytes are dropped when the connection is cut meanwhile.
            let goesOn = state.wait { state -> Bool? in
                if !state.descriptors.contains(sink) { return false }
                return isHeld(state) && count > 0 ? nil : true
            }
            if count <= 0 || goesOn != true { break }
            var sent = 0
            while sent < count {
                let more = buffer.withUnsafeBytes {
                    send(sink, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL))
                }
                if more <= 0 { break }
                sent += more
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
    }
}
