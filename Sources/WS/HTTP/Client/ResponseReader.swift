// ResponseReader: one response from its first byte to its last, whatever the splits.
//
//            ┌─ interim ─┐
//            ▼           │
//   head ────┴───────────┴──▶ body ──▶ complete(response)
//     │                        │
//     └────────────────────────┴──▶ the server's fault
//
// Thread: one loop; no I/O.  Allocates: the response.  Source: RFC 9112 §6.3; RFC 9110 §15.2.

/// Reads the answer to one request.
public struct ResponseReader {
    private enum Stage {
        case head(ResponseParser)
        case body(ClientResponse, BodyReader)
        case untilClose(ClientResponse, [UInt8])
    }

    private let method: HTTPMethod
    private let bodyByteCountMax: Int
    private let limits: HTTPClientLimits
    private var stage: Stage
    private var interimCount = 0
    /// Something of the response has come.
    public private(set) var hasBegun = false
    /// Of the final head; false before.
    public private(set) var keepsAlive = false

    /// - Parameter bodyByteCountMax: of the decoded body, in bytes.
    public init(
        answering method: HTTPMethod, bodyByteCountMax: Int,
        limits: HTTPClientLimits = HTTPClientLimits()
    ) {
        self.method = method
        self.bodyByteCountMax = bodyByteCountMax
        self.limits = limits
        stage = .head(ResponseParser(answering: method, limits: limits))
    }

    /// Takes what belongs to the response from the front of `input`.
    ///
    /// - Returns: the bytes consumed, the rest of which must be passed again in front of the next
    ///   ones; and the response, once it is complete.
    public mutating func take(
        _ input: UnsafeRawBufferPointer
    ) throws(ResponseFault) -> (consumed: Int, response: ClientResponse?) {
        var consumed = 0
        if !input.isEmpty { hasBegun = true }
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
            switch stage {
            case .head(var parser):
                let result = parser.parse(rest.octets.span)
                stage = .head(parser)
                guard let head = try Self.head(of: result) else { return (consumed, nil) }
                consumed += head.byteCount
                if let response = try begin(head, rest) { return (consumed, response) }
            case .body(let response, var body):
                consumed += try Self.breach { () throws(HTTPError) in try body.take(rest) }
                stage = .body(response, body)
                return (consumed, body.isComplete ? response.with(body: body.bytes) : nil)
            case .untilClose(let response, var bytes):
                guard rest.count <= bodyByteCountMax - bytes.count else {
                    throw .breach(.bodyTooLarge)
                }
                bytes.append(contentsOf: rest)
                stage = .untilClose(response, bytes)
                return (input.count, nil)
            }
        }
    }

    /// The server has closed.
    public func ended() throws(ResponseFault) -> ClientResponse {
        guard case .untilClose(let response, let bytes) = stage else { throw .truncated }
        return response.with(body: bytes)
    }

    private static func head(
        of result: ResponseParser.Result
    ) throws(ResponseFault) -> ResponseHead? {
        switch result {
        case .incomplete: nil
        case .malformed(let fault): throw fault
        case .complete(let head): head
        }
    }

    /// A head is complete; returns the response where no body follows.
    private mutating func begin(
        _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer
    ) throws(ResponseFault) -> ClientResponse? {
        if head.isInterim {
            if head.status == 101 { throw .switchedProtocols }
            interimCount += 1
            if interimCount > limits.interimResponseCountMax { throw .tooManyInterimResponses }
            stage = .head(ResponseParser(answering: method, limits: limits))
            return nil
        }
        keepsAlive = head.keepsAlive
        let response = ClientResponse(head, bytes)
        let framing: BodyFraming
        switch head.framing {
        case .none, .length(0): return response
        case .length(let count): framing = .length(count)
        case .chunked: framing = .chunked
        case .untilClose:
            stage = .untilClose(response, [])
            return nil
        }
        let body = try Self.breach { () throws(HTTPError) in
            try BodyReader(framing, byteCountMax: bodyByteCountMax, limits: limits.body)
        }
        stage = .body(response, body)
        return nil
    }

    private static func breach<Value>(
        _ body: () throws(HTTPError) -> Value
    ) throws(ResponseFault) -> Value {
        do throws(HTTPError) {
            return try body()
        } catch {
            throw .breach(error)
        }
    }
}

extension ClientResponse {
    fileprivate init(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        func text(_ range: ByteRange) -> String {
            String(decoding: bytes[range.indices], as: UTF8.self)
        }
        status = head.status
        fields = head.fields.map {
            (name: text($0.nameRange).lowercased(), value: text($0.valueRange))
        }
        body = []
    }

    fileprivate func with(body: [UInt8]) -> ClientResponse {
        ClientResponse(status: status, fields: fields, body: body)
    }
}
