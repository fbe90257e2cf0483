// TransportEnvelope: requests of polling and event-stream clients on their way between our own pods,
// as MessagePack arrays without a length in front.
//
//   request   [ request id, 1 poll | 2 send | 3 delete | 4 abandon, asking server,
//               expiry in µs since the epoch | nil, body ]        on internal:transport:CONNECTION
//   answer    [ request id, status, content type, body ]          on internal:transport-reply:SERVER
//             [ request id, nil, "", "" ]                         the connection is not here
//
// .NET pods neither write nor hear these: they want each client to come back to its own pod. Numbers,
// strings and further items are read as leniently as in BackplaneEnvelope, for pods of other versions.
//
// Thread: pure values, any thread.  Allocates: writing its array; reading strings and the body.

import Loop

/// A request, for the pod that holds the connection whose channel it is published on.
struct TransportRequestEnvelope: Equatable {
    let requestID: String
    let kind: TransportRequest.Kind
    /// Whose reply channel the answer belongs on.
    let server: String
    let expiresAt: WallTime?

    init(_ request: TransportRequest, server: String) {
        requestID = request.requestID
        kind = request.kind
        self.server = server
        expiresAt = request.expiresAt
    }

    private init(
        requestID: String, kind: TransportRequest.Kind, server: String, expiresAt: WallTime?
    ) {
        self.requestID = requestID
        self.kind = kind
        self.server = server
        self.expiresAt = expiresAt
    }

    /// - Parameter id: the channel's.
    func request(connectionID id: String) -> TransportRequest {
        TransportRequest(
            kind: kind, connectionID: id, requestID: requestID, expiresAt: expiresAt)
    }

    private enum Number {
        static let poll: Int64 = 1
        static let send: Int64 = 2
        static let delete: Int64 = 3
        static let abandon: Int64 = 4
    }

    func encode() -> [UInt8] {
        let (number, body): (Int64, [UInt8]) =
            switch kind {
            case .poll: (Number.poll, [])
            case .send(let body): (Number.send, body)
            case .delete: (Number.delete, [])
            case .abandon: (Number.abandon, [])
            }
        // 22 bytes of id, a server's name of up to 97, and the headers.
        var writer = MessagePackWriter(reservingCapacity: body.count + 160)
        writer.array(count: 5)
        writer.string(requestID)
        writer.integer(number)
        writer.string(server)
        if let expiresAt { writer.integer(expiresAt.microseconds) } else { writer.nil() }
        writer.binary(body)
        return writer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BackplaneEnvelopeError) -> TransportRequestEnvelope {
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 5, of: "TransportRequest")
            let (requestID, number, server) = (
                try reader.text(), try reader.number(), try reader.text()
            )
            let (expiry, body) = (try reader.numberIfAny(), try reader.blob())
            let kind: TransportRequest.Kind
            switch number {
            case Number.poll: kind = .poll
            case Number.send: kind = .send(Array(body))
            case Number.delete: kind = .delete
            case Number.abandon: kind = .abandon
            default: throw .unknownKind(number)
            }
            return TransportRequestEnvelope(
                requestID: requestID, kind: kind, server: server,
                expiresAt: expiry.map { WallTime(microseconds: $0) })
        }
    }
}

/// What the pod of the connection answers.
struct TransportAnswerEnvelope: Equatable {
    let requestID: String
    /// Nil: the connection is not there.
    let answer: TransportAnswer?

    func encode() -> [UInt8] {
        var writer = MessagePackWriter(reservingCapacity: (answer?.body.count ?? 0) + 96)
        writer.array(count: 4)
        writer.string(requestID)
        if let answer { writer.integer(Int64(answer.status)) } else { writer.nil() }
        writer.string(answer?.contentType ?? "")
        writer.binary(answer?.body ?? [])
        return writer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BackplaneEnvelopeError) -> TransportAnswerEnvelope {
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 4, of: "TransportAnswer")
            let (requestID, status) = (try reader.text(), try reader.numberIfAny())
            let (contentType, body) = (try reader.text(), try reader.blob())
            return TransportAnswerEnvelope(
                requestID: requestID,
                answer: status.map {
                    TransportAnswer(
                        status: Int($0), contentType: contentType, body: Array(body))
                })
        }
    }
}
