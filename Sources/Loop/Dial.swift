// Dial: one attempt to reach an endpoint, over all its addresses.
//
//   resolving ─▶ connecting (address 1) ─▶ … ─▶ connecting (address n) ─▶ handshaking ─▶ opened
//       └──────────────┴────────────────────────────┴─────────────────────────┴────────▶ failed
//
// Each address gets its share of the time that is left, so that one that swallows packets does not
// keep the next from its chance. What fails after TCP is there fails the whole: the host has answered.
//
// Thread: one loop.  Allocates: once per dial.

import CLinux
import Glibc

/// Why a dial, or one address of it, came to nothing.
enum DialFailure: Error, Equatable {
    enum Phase: String { case resolving = "resolving the name", connecting, handshaking }

    /// The resolver's words.
    case unknownHost(String)
    /// The errno of socket, connect or epoll_ctl.
    case system(Int32)
    case tableIsFull
    case noTimer
    case timedOut(Phase)
    case tls(String)
    /// In the middle of the TLS handshake.
    case peerClosed
    case loopStopped
    /// `Endpoint.source` is no numeric address.
    case badSource(String)

    var kind: DialError.Kind {
        switch self {
        case .unknownHost: .unknownHost
        case .system(EMFILE), .system(ENFILE), .system(ENOBUFS), .system(ENOMEM),
            .system(ENOSPC), .system(EADDRNOTAVAIL), .system(EAGAIN):
            .noResources
        case .system(ETIMEDOUT), .timedOut: .timedOut
        case .system: .refused
        case .tableIsFull, .noTimer, .loopStopped: .noResources
        case .tls, .peerClosed: .tls
        case .badSource: .noResources
        }
    }

    func text(timeout: Duration) -> String {
        switch self {
        case .unknownHost(let reason): reason
        case .system(let code):
            strerror(code).map { String(cString: $0).lowercased() } ?? "errno \(code)"
        case .tableIsFull: "the loop holds as many connections as it may"
        case .noTimer: "the loop runs as many timers as it may"
        case .timedOut(let phase): "timed out while \(phase.rawValue), after \(timeout) in all"
        case .tls(let reason): "TLS: \(reason)"
        case .peerClosed: "the peer closed the connection during the TLS handshake"
        case .loopStopped: "the loop is stopping"
        case .badSource(let source): "the source \(source) is no numeric address"
        }
    }
}

/// The handler of a connection that is not open yet.
final class Dial: ConnectionHandler {
    let endpoint: Endpoint
    /// Where it comes from; nil lets the kernel choose.
    let source: SocketAddress?
    let timeout: Duration
    let deadline: MonotonicInstant
    /// Of the reactor, while the name is being resolved.
    var timer: Int?
    /// What ended the attempt at work; set before the connection is.
    var failure: DialFailure?

    private unowned let reactor: Reactor
    private let handler: ConnectionHandler
    private var isUp: (() -> Void)?
    private let failed: (DialError) -> Void
    private var addresses: ArraySlice<SocketAddress> = []
    private var isConnected = false

    init(
        _ endpoint: Endpoint, timeout: Duration, reactor: Reactor, handler: ConnectionHandler,
        connected: (() -> Void)?, failed: @escaping (DialError) -> Void
    ) {
        self.endpoint = endpoint
        source = endpoint.source.flatMap { SocketAddress(numeric: $0, port: 0) }
        isUp = connected
        self.timeout = timeout
        self.reactor = reactor
        self.handler = handler
        self.failed = failed
        deadline = reactor.now.advanced(by: timeout)
    }

    /// Tries `addresses` one after the other.
    func connect(to addresses: [SocketAddress]) {
        if source == nil, let text = endpoint.source { return fail(.badSource(text)) }
        self.addresses = addresses[...]
        tryNext(after: .unknownHost("the name has no address"))
    }

    /// TCP is there; no other address will be tried.
    func connected() {
        isConnected = true
        isUp?()
        isUp = nil
    }

    func fail(_ failure: DialFailure) {
        let reason = failure.text(timeout: timeout)
        failed(
            DialError(
                kind: failure.kind, description: "cannot connect to \(endpoint.text): \(reason)"))
    }

    private func tryNext(after lastFailure: DialFailure) {
        var lastFailure = lastFailure
        while let address = addresses.popFirst() {
            let left = reactor.now.duration(to: deadline)
            guard left > .zero else { return fail(.timedOut(.connecting)) }
            do throws(DialFailure) {
                let share = left / (addresses.count + 1)
                return try reactor.startConnect(to: address, for: self, timeout: share)
            } catch {
                lastFailure = error
            }
        }
        fail(lastFailure)
    }

    // MARK: ConnectionHandler

    override func opened(_ connection: Connection) {
        connection.replaceHandler(with: handler)
        handler.opened(connection)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        if reactor.isStopped { return fail(.loopStopped) }
        // Without a cause of its own the socket has failed in the handshake: a reset.
        let failure = failure ?? .peerClosed
        if isConnected { fail(failure) } else { tryNext(after: failure) }
    }

    /// A drain is for those who have been let in; a dial goes on.
    override func drain(_ connection: Connection) {}
}
