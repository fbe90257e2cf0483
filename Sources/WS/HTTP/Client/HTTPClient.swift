// HTTPClient: requests to other servers, over HTTP/1.1, from one loop.
//
//   send ──▶ idle connection to the origin? ──yes──▶ HTTPClientConnection ──▶ completion
//                  │ no                                    ▲
//                  └──▶ Dialer ── opened ──────────────────┘
//
// For the few requests this system makes itself: keys of the token authority, traces to a collector.
// One connection per origin is kept for the next request; requests that meet no idle one open their
// own. Redirects are not followed and no proxy is used: HTTP_PROXY and its kin are not read.
//
// Thread: one loop.  Allocates: per request.  Source: RFC 9112 §9.

import Loop

/// Lives as long as its loop.
public final class HTTPClient {
    /// Called exactly once on the client's loop, after `send` has returned; not at all if the loop
    /// ends before.
    public typealias Completion = (Result<ClientResponse, HTTPClientError>) -> Void

    let reactor: Reactor
    let limits: HTTPClientLimits
    private let dialer: Dialer
    private let tls: TLSClientContext?
    private let refusals = Refusals()
    private let wake: Mailbox<Void>
    private var idle: [HTTPOrigin: HTTPClientConnection] = [:]
    private var exchangeCount = 0

    /// Completions of requests that are not even tried: they come later, as all others do.
    private final class Refusals {
        var waiting: [() -> Void] = []
    }

    /// Made on the loop's thread.
    ///
    /// - Parameter tls: whom https servers are checked against; nil refuses https URLs.
    public init(
        reactor: Reactor, tls: TLSClientContext?, limits: HTTPClientLimits = HTTPClientLimits()
    ) {
        self.reactor = reactor
        self.tls = tls
        self.limits = limits
        dialer = Dialer(reactor: reactor)
        wake = reactor.makeMailbox { [refusals] (_: Void) in
            let round = refusals.waiting
            refusals.waiting = []
            for complete in round { complete() }
        }
    }

    /// Sends a request. Every status but a redirect's is a response, also 500.
    ///
    /// A request that may be repeated (GET, PUT …) is, once, where the connection kept from the last
    /// one turns out to be dead. A POST is not: the server may have worked on it.
    ///
    /// - Parameters:
    ///   - timeout: from now to the last byte of the response, dialling included.
    ///   - bodyByteCountMax: of the response, decoded, in bytes; more is an error.
    public func send(
        _ request: ClientRequest, timeout: Duration, bodyByteCountMax: Int,
        completion: @escaping Completion
    ) {
        let exchange = HTTPExchange(
            request: request, timeout: timeout, deadline: reactor.now.advanced(by: timeout),
            bodyByteCountMax: bodyByteCountMax, completion: completion)
        if exchangeCount == limits.exchangeCountMax {
            return refuse(
                exchange, .overloaded, "\(limits.exchangeCountMax) requests wait already")
        }
        if request.url.origin.isEncrypted, tls == nil {
            return refuse(exchange, .noTLS, "this client does not speak TLS")
        }
        exchangeCount += 1
        if let connection = idle.removeValue(forKey: request.url.origin), connection.isUsable {
            connection.begin(exchange)
        } else {
            dial(exchange)
        }
    }

    private func refuse(_ exchange: HTTPExchange, _ kind: HTTPClientError.Kind, _ what: String) {
        refusals.waiting.append {
            exchange.completion(.failure(HTTPClientError(kind, exchange.request, what)))
        }
        wake.post(())
    }

    private func dial(_ exchange: HTTPExchange) {
        let origin = exchange.request.url.origin
        let left = reactor.now.duration(to: exchange.deadline)
        guard left > .zero else { return finish(exchange, .failure(exchange.timedOut)) }
        let endpoint = Endpoint(
            host: origin.host, port: origin.port, tls: origin.isEncrypted ? tls : nil)
        let connection = HTTPClientConnection(client: self, origin: origin, first: exchange)
        dialer.dial(endpoint, timeout: left, handler: connection) { [self] error in
            finish(
                exchange,
                .failure(
                    HTTPClientError(.unreachable(error.kind), exchange.request, error.description)))
        }
    }

    // MARK: What connections tell

    func finish(_ exchange: HTTPExchange, _ result: Result<ClientResponse, HTTPClientError>) {
        exchangeCount -= 1
        guard case .success(let response) = result, response.isRedirect else {
            return exchange.completion(result)
        }
        let location = response.header("location") ?? ""
        exchange.completion(
            .failure(
                HTTPClientError(
                    .redirected(location: location), exchange.request,
                    "redirected (\(response.status)) to \(location); redirects are not followed")))
    }

    /// The kept connection died under a request that may be repeated.
    func retry(_ exchange: HTTPExchange) {
        exchange.isRetry = true
        dial(exchange)
    }

    /// Keeps the connection for the next request; false if another one is kept already.
    func keep(_ connection: HTTPClientConnection) -> Bool {
        if let kept = idle[connection.origin], kept.isUsable { return false }
        idle[connection.origin] = connection
        return true
    }

    func forget(_ connection: HTTPClientConnection) {
        if idle[connection.origin] === connection { idle[connection.origin] = nil }
    }
}

/// One request on its way to its answer.
final class HTTPExchange {
    let request: ClientRequest
    let timeout: Duration
    let deadline: MonotonicInstant
    let bodyByteCountMax: Int
    let completion: HTTPClient.Completion
    /// A kept connection has died under it before.
    var isRetry = false

    init(
        request: ClientRequest, timeout: Duration, deadline: MonotonicInstant,
        bodyByteCountMax: Int, completion: @escaping HTTPClient.Completion
    ) {
        self.request = request
        self.timeout = timeout
        self.deadline = deadline
        self.bodyByteCountMax = bodyByteCountMax
        self.completion = completion
    }

    var timedOut: HTTPClientError {
        HTTPClientError(.timedOut, request, "timed out after \(timeout.milliseconds) ms")
    }
}

@available(*, unavailable)
extension HTTPClient: Sendable {}
