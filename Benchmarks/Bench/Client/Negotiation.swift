// Negotiation: asks a SignalR server for a connection, as a browser does: on its own connection.
//
//   POST {hub}/negotiate?negotiateVersion=1 ─▶ connectionToken, WebSockets offered ─▶ ready
//                                           └▶ url, accessToken ─▶ once more, there
//
// Thread: one loop.  Allocates: per connection, twice or thrice.
// Source: SignalR TransportProtocols, "POST [endpoint-base]/negotiate".

import Loop
import WS

/// Where the WebSocket has to go.
struct NegotiatedTarget {
    var url: HTTPURL
    /// Nil: the client's own.
    var accessToken: String?
    /// Of the connection; nil without negotiation.
    var connectionToken: String?
}

/// One request, and the connection it goes over.
final class NegotiateExchange: ConnectionHandler {
    private static let bodyByteCountMax = 64 * 1024

    private let request: [UInt8]
    private let timeout: Duration
    private var reader = ResponseReader(answering: .post, bodyByteCountMax: bodyByteCountMax)
    /// Nil once it is called.
    private var done: ((Result<NegotiateAnswer, BenchError>) -> Void)?

    /// - Parameter done: called exactly once, on the loop.
    init(
        _ request: [UInt8], timeout: Duration,
        done: @escaping (Result<NegotiateAnswer, BenchError>) -> Void
    ) {
        self.request = request
        self.timeout = timeout
        self.done = done
    }

    static func request(
        _ hub: HTTPURL, token: String?, headers: [(name: String, value: String)]
    ) -> [UInt8] {
        let url = hub.appending("negotiate")
        let mark = url.target.contains("?") ? "&" : "?"
        var request = ClientRequest(
            .post, HTTPURL(origin: url.origin, target: url.target + mark + "negotiateVersion=1"))
        for header in headers { request.add(header.name, header.value) }
        if let token { request.add("Authorization", "Bearer \(token)") }
        return request.bytes
    }

    func fail(_ description: String) { finish(.failure(BenchError(description: description))) }

    private func finish(_ result: Result<NegotiateAnswer, BenchError>) {
        guard let done else { return }
        self.done = nil
        done(result)
    }

    override func opened(_ connection: Connection) {
        connection.send(request)
        connection.armTimer(after: timeout)
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        guard done != nil else { return bytes.count }
        do throws(ResponseFault) {
            let (consumed, response) = try reader.take(UnsafeRawBufferPointer(bytes))
            guard let response else { return consumed }
            connection.closeAfterFlush()
            answered(response)
        } catch {
            connection.abort()
            fail("negotiate: the answer is no HTTP (\(error))")
        }
        return bytes.count
    }

    private func answered(_ response: ClientResponse) {
        guard response.status == 200 else {
            return fail("negotiate: status \(response.status); check the URL and the token")
        }
        let answer = response.body.withUnsafeBytes { body in
            Result { () throws(NegotiateAnswer.Fault) in try NegotiateAnswer(body) }
        }
        finish(
            answer.mapError { fault in
                BenchError(
                    description:
                        "negotiate: the answer is invalid: \(fault); is this a SignalR hub?")
            })
    }

    override func timerFired(_ connection: Connection) {
        connection.abort()
        fail("negotiate: no answer in time")
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        fail("negotiate: the server closed the connection")
    }
}
