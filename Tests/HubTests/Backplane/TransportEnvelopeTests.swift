import Loop
import Testing

@testable import Hub

@Suite("TransportEnvelope") struct TransportEnvelopeTests {
    private static let id = String(repeating: "r", count: 22)

    private static func request(
        _ kind: TransportRequest.Kind, expiresAt: WallTime? = nil
    ) -> TransportRequest {
        TransportRequest(kind: kind, connectionID: "c1", requestID: id, expiresAt: expiresAt)
    }

    static let requests: [TransportRequest] = [
        request(.poll), request(.send([])), request(.send([0, 0x1E, 0xFF])), request(.delete),
        request(.abandon), request(.poll, expiresAt: WallTime(microseconds: 1_767_225_600_000_001)),
        request(.send(Array(repeating: 7, count: 300)), expiresAt: WallTime(microseconds: -1)),
    ]

    @Test(arguments: requests)
    func `a request comes back as it was, and no part of it is one`(
        request: TransportRequest
    ) throws {
        let bytes = TransportRequestEnvelope(request, server: "srv_0").encode()
        let envelope = try decode(bytes, TransportRequestEnvelope.decode)
        #expect(envelope.server == "srv_0")
        #expect(envelope.request(connectionID: "c1") == request)
        expectNoPrefixDecodes(bytes, TransportRequestEnvelope.decode)
    }

    @Test(arguments: [0, 255, 256, 65_535, 65_536, 3 << 20])
    func `a body of any size comes back`(byteCount: Int) throws {
        let request = Self.request(.send(Array(repeating: 0xA5, count: byteCount)))
        let bytes = TransportRequestEnvelope(request, server: "s").encode()
        let envelope = try decode(bytes, TransportRequestEnvelope.decode)
        #expect(envelope.request(connectionID: "c1") == request)
    }

    static let answers: [TransportAnswer?] = [
        nil, TransportAnswer(status: 204, contentType: "", body: []),
        TransportAnswer(status: 200, contentType: "text/plain", body: Array("{}\u{1E}".utf8)),
        TransportAnswer(status: 404, contentType: "", body: Array(repeating: 1, count: 70_000)),
    ]

    @Test(arguments: answers)
    func `an answer comes back as it was, that there is no connection too`(
        answer: TransportAnswer?
    ) throws {
        let envelope = TransportAnswerEnvelope(requestID: Self.id, answer: answer)
        let bytes = envelope.encode()
        #expect(try decode(bytes, TransportAnswerEnvelope.decode) == envelope)
        if bytes.count < 1000 { expectNoPrefixDecodes(bytes, TransportAnswerEnvelope.decode) }
    }

    @Test func `the bytes are those of the layouts in the drawing`() {
        let request = TransportRequest(
            kind: .send([0x2A]), connectionID: "c", requestID: "r",
            expiresAt: WallTime(microseconds: 5))
        #expect(
            TransportRequestEnvelope(request, server: "S").encode()
                == [0x95, 0xA1, 0x72, 2, 0xA1, 0x53, 5, 0xC4, 1, 0x2A])
        let gone = TransportAnswerEnvelope(requestID: "r", answer: nil)
        #expect(gone.encode() == [0x94, 0xA1, 0x72, 0xC0, 0xA0, 0xC4, 0])
    }

    @Test func `R03: one item short is an error that names the layout`() {
        #expect(
            errorText([0x94, 0xA0, 1, 0xA0, 0xC0], TransportRequestEnvelope.decode)
                == "Insufficient items in TransportRequest array.")
        #expect(
            errorText([0x93, 0xA0, 1, 0xA0], TransportAnswerEnvelope.decode)
                == "Insufficient items in TransportAnswer array.")
    }

    @Test func `R04: items behind the last known one are ignored`() throws {
        let request = TransportRequestEnvelope(Self.request(.poll), server: "srv_0")
        #expect(
            try decode(longer(request.encode(), itemCount: 7), TransportRequestEnvelope.decode)
                == request)
        let answer = TransportAnswerEnvelope(requestID: Self.id, answer: nil)
        #expect(
            try decode(longer(answer.encode(), itemCount: 6), TransportAnswerEnvelope.decode)
                == answer)
    }

    @Test func `a kind of a later version is refused`() {
        #expect(throws: BackplaneEnvelopeError.unknownKind(6)) {
            try decode(
                [0x95, 0xA1, 0x72, 6, 0xA1, 0x53, 0xC0, 0xC4, 0], TransportRequestEnvelope.decode)
        }
    }
}
