// Dialer: opens a loop's outbound connections, by name.
//
//   dial ─▶ resolve (helper thread) ─▶ connect, address by address ─▶ TLS handshake ─▶ opened
//              └──────────────────────────┴──────────────────────────────┴──────────▶ failed
//
// A numeric address never goes to the resolver's thread. Dial tries the addresses, Reactor+Connect
// is each single try.
//
// Thread: one loop; the resolver's thread only calls getaddrinfo.  Allocates: per dial.

/// Where a connection shall lead.
public struct Endpoint: Sendable {
    /// A name or a numeric address; no brackets around IPv6.
    public var host: String
    public var port: UInt16
    /// Nil: plain TCP.
    public var tls: TLSClientContext?
    /// A numeric address of this machine to come from; nil lets the kernel choose. One address has
    /// some 28,000 ports, so more connections to one server need several of them. An address that is
    /// none, or not this machine's, fails the dial.
    public var source: String?

    public init(
        host: String, port: UInt16, tls: TLSClientContext? = nil, source: String? = nil
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.source = source
    }

    /// `redis.example:6379`, for logs and errors.
    public var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why nothing came of a dial.
public struct DialError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        /// The name has no address.
        case unknownHost
        /// Nobody listens, or no way leads there.
        case refused
        case timedOut
        /// The TLS handshake failed, the certificate's check included.
        case tls
        /// The loop has no descriptor or slot left.
        case noResources
    }
    public let kind: Kind
    /// With the endpoint and the cause: `cannot connect to redis:6379: connection refused`.
    public let description: String

    public init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description
    }
}

/// Lives as long as its loop.
public final class Dialer {
    private unowned let reactor: Reactor
    private let resolver: Resolver
    private let answers: Mailbox<Answer>
    private let waiting = WaitingDials()

    private struct Answer: Sendable {
        let number: UInt64
        let result: Result<[SocketAddress], DialFailure>
    }

    /// Dials whose addresses are not known yet, by number: the resolver's thread must not hold them.
    private final class WaitingDials {
        var dials: [UInt64: Dial] = [:]
        var lastNumber: UInt64 = 0
    }

    /// Made on the loop's thread, before its first tick or later.
    public convenience init(reactor: Reactor) {
        let countMax = reactor.limits.dialedAddressCountMax
        self.init(reactor: reactor) { host, port in
            Result { () throws(DialFailure) in
                try SocketAddress.resolve(host, port: port, countMax: countMax)
            }
        }
    }

    init(reactor: Reactor, lookup: @escaping Resolver.Lookup) {
        self.reactor = reactor
        let resolver = Resolver(time: reactor.time, lookup: lookup)
        self.resolver = resolver
        answers = reactor.makeMailbox { [unowned reactor, waiting] answer in
            // None: it has timed out.
            guard let dial = waiting.dials.removeValue(forKey: answer.number) else { return }
            if let timer = dial.timer { reactor.cancelTimer(timer) }
            switch answer.result {
            case .success(let addresses): dial.connect(to: addresses)
            case .failure(let failure): dial.fail(failure)
            }
        }
        reactor.atEnd { [waiting] in
            resolver.close()
            let stopped = waiting.dials.values
            waiting.dials = [:]
            for dial in stopped { dial.fail(.loopStopped) }
        }
    }

    /// Exactly one of two happens, later and on the loop: `handler.opened` (and from then on what
    /// happens to any connection), or `failed`; `handler.closed` is not called then. Once the loop
    /// is told to stop, nothing comes of a new dial.
    ///
    /// - Parameters:
    ///   - timeout: for all of it together.
    ///   - connected: called before either, when TCP is there and the TLS handshake (if any) begins.
    public func dial(
        _ endpoint: Endpoint, timeout: Duration, handler: ConnectionHandler,
        connected: (() -> Void)? = nil, failed: @escaping (DialError) -> Void
    ) {
        guard !reactor.isStopped else { return }
        let dial = Dial(
            endpoint, timeout: timeout, reactor: reactor, handler: handler, connected: connected,
            failed: failed)
        waiting.lastNumber += 1
        let number = waiting.lastNumber
        waiting.dials[number] = dial
        // Through the mailbox even when the answer is known: "later" is the same for all.
        if let address = SocketAddress(numeric: endpoint.host, port: endpoint.port) {
            answers.post(Answer(number: number, result: .success([address])))
        } else if startTimer(of: dial, number) {
            resolver.ask(
                Resolver.Question(
                    host: endpoint.host, port: endpoint.port, deadline: dial.deadline,
                    answer: { [answers] in answers.post(Answer(number: number, result: $0)) }))
        } else {
            answers.post(Answer(number: number, result: .failure(.noTimer)))
        }
    }

    /// Bounds the wait for the resolver.
    private func startTimer(of dial: Dial, _ number: UInt64) -> Bool {
        dial.timer = reactor.startTimer(dial.timeout, isRepeating: false) { [waiting] in
            waiting.dials.removeValue(forKey: number)?.fail(.timedOut(.resolving))
        }
        return dial.timer != nil
    }
}

@available(*, unavailable)
extension Dialer: Sendable {}
