// HTTPClientConnection: one connection to one server, one request at a time.
//
//   dialling ── opened ──▶ busy ── response complete, may stay ──▶ idle ── next request ──▶ busy
//                           │                                       │
//                           └── anything else ──▶ ended ◀── time, close, unasked bytes
//
// Thread: the client's loop.  Allocates: per request.  Source: RFC 9112 §9.2 to §9.6.

import Loop

final class HTTPClientConnection: ConnectionHandler {
    private enum State {
        case dialling(HTTPExchange)
        case busy(HTTPExchange, ResponseReader)
        case idle
        case ended
    }

    let origin: HTTPOrigin
    /// Strong on purpose: the client lives until its last request is answered.
    private let client: HTTPClient
    private var state: State
    private var connection: Connection?
    /// It has answered before, so the server may have closed it meanwhile.
    private var isKept = false

    init(client: HTTPClient, origin: HTTPOrigin, first: HTTPExchange) {
        self.client = client
        self.origin = origin
        state = .dialling(first)
    }

    var isUsable: Bool {
        guard case .idle = state else { return false }
        return connection?.isOpen ?? false
    }

    /// Sends a request; the connection is idle or has just been opened.
    func begin(_ exchange: HTTPExchange) {
        guard let connection else { preconditionFailure("not open") }
        state = .busy(
            exchange,
            ResponseReader(
                answering: exchange.request.method, bodyByteCountMax: exchange.bodyByteCountMax,
                limits: client.limits))
        connection.send(exchange.request.bytes)
        connection.armTimer(after: client.reactor.now.duration(to: exchange.deadline))
    }

    // MARK: Callbacks

    override func opened(_ connection: Connection) {
        guard case .dialling(let exchange) = state else { preconditionFailure("opened twice") }
        self.connection = connection
        begin(exchange)
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        guard case .busy(let exchange, var reader) = state else {
            end(connection)
            return bytes.count
        }
        do throws(ResponseFault) {
            let (consumed, response) = try reader.take(UnsafeRawBufferPointer(bytes))
            guard let response else {
                state = .busy(exchange, reader)
                return consumed
            }
            // What follows a response answers no request (RFC 9112 §6.3); an answer that comes
            // before the request has left is the last one.
            let mayStay =
                reader.keepsAlive && consumed == bytes.count && connection.queuedByteCount == 0
            complete(exchange, response, mayStay: mayStay, connection)
        } catch {
            fail(exchange, HTTPClientError(error, exchange.request), connection)
        }
        return bytes.count
    }

    override func peerClosed(_ connection: Connection) {
        guard case .busy(let exchange, let reader) = state else { return end(connection) }
        guard reader.hasBegun else { return lost(exchange, connection) }
        do throws(ResponseFault) {
            complete(exchange, try reader.ended(), mayStay: false, connection)
        } catch {
            fail(exchange, HTTPClientError(error, exchange.request), connection)
        }
    }

    override func timerFired(_ connection: Connection) {
        guard case .busy(let exchange, _) = state else { return end(connection) }
        fail(exchange, exchange.timedOut, connection)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        client.forget(self)
        guard case .busy(let exchange, let reader) = state else { return }
        if reader.hasBegun {
            fail(exchange, HTTPClientError(.truncated, exchange.request), connection)
        } else {
            lost(exchange, connection)
        }
    }

    // MARK: Ends of requests

    private func complete(
        _ exchange: HTTPExchange, _ response: ClientResponse, mayStay: Bool,
        _ connection: Connection
    ) {
        state = .idle
        isKept = true
        if mayStay, client.keep(self) {
            connection.armTimer(after: client.limits.idleTimeout)
        } else {
            end(connection)
        }
        client.finish(exchange, .success(response))
    }

    private func fail(
        _ exchange: HTTPExchange, _ error: HTTPClientError, _ connection: Connection
    ) {
        state = .ended
        connection.abort()
        client.finish(exchange, .failure(error))
    }

    /// The connection ended and no byte of a response had come.
    private func lost(_ exchange: HTTPExchange, _ connection: Connection) {
        state = .ended
        connection.abort()
        if isKept, exchange.request.isIdempotent, !exchange.isRetry {
            client.retry(exchange)
        } else {
            client.finish(
                exchange,
                .failure(
                    HTTPClientError(
                        .connectionLost, exchange.request,
                        "the server closed the connection without an answer")))
        }
    }

    private func end(_ connection: Connection) {
        state = .ended
        client.forget(self)
        connection.closeAfterFlush()
    }
}
