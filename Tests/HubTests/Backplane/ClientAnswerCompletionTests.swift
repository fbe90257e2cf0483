import Testing

@testable import Hub

@Suite("ClientAnswer as a completion") struct ClientAnswerCompletionTests {
    private static let id = String(repeating: "A", count: 22)

    private static let question = ClientQuestion(
        connectionID: "c1", invocationID: id,
        invocation: EncodedInvocation(
            target: "GetValue", arguments: [json("1")], invocationID: id))

    static let answers: [(ClientAnswer, ClientAnswer)] = [
        (.result(json("5")), .result(json("5"))), (.result(.null), .result(.null)),
        (.error("no"), .error("no")), (.error(""), .error("")),
        (.disconnected(connectionID: "c1"), .disconnected(connectionID: "c1")),
        (.unavailable(reason: "why"), .error("why")),
    ]

    @Test(arguments: answers)
    func `RV17: what the owner writes the asker reads`(
        answer: ClientAnswer, read: ClientAnswer
    ) throws {
        let envelope = try #require(answer.envelope(answering: Self.question))
        let completion = try envelope.completion()
        #expect(completion.invocationID == Self.id)
        #expect(ClientAnswer(completion.outcome, connectionID: "c1") == read)
    }

    @Test func `C18: a client that has gone is told in .NET's words`() throws {
        let answer = ClientAnswer.disconnected(connectionID: "c1")
        let envelope = try #require(answer.envelope(answering: Self.question))
        #expect(
            String(decoding: envelope.record, as: UTF8.self)
                == "{\"type\":3,\"invocationId\":\"\(Self.id)\","
                + "\"error\":\"Connection disconnected.\"}\u{1E}")
    }

    @Test func `a client that is not here answers nothing`() {
        let answer = ClientAnswer.unknown(connectionID: "c1")
        #expect(answer.envelope(answering: Self.question) == nil)
    }

    @Test(arguments: HubProtocol.allCases)
    func `RV17, RV18: a completion of every protocol is read with its framing`(
        hubProtocol: HubProtocol
    ) throws {
        let outcomes: [Completion.Outcome] = [.result(.string("x")), .error("no"), .void]
        for outcome in outcomes {
            let completion = Completion(invocationID: Self.id, outcome: outcome)
            let envelope = CompletionEnvelope(
                protocolName: hubProtocol.name,
                record: try hubProtocol.encode(.completion(completion)))
            let read = try envelope.completion()
            #expect(read.invocationID == Self.id)
            #expect(!ClientAnswer(read.outcome, connectionID: "c1").isFailure(of: "c1"))
        }
    }

    @Test func `a completion without a value is null`() {
        #expect(ClientAnswer(.void, connectionID: "c1") == .result(.null))
    }

    @Test func `RV11: a record without its separator is read too`() throws {
        let record = Array(#"{"type":3,"invocationId":"1","result":1}"#.utf8)
        let completion = try CompletionEnvelope(protocolName: "json", record: record).completion()
        #expect(completion == Completion(invocationID: "1", outcome: .result(json("1"))))
    }

    @Test func `R30: an unknown protocol is a problem that names it`() {
        let envelope = CompletionEnvelope(protocolName: "p1", record: [0x2A])
        #expect(throws: CompletionProblem.unknownProtocol("p1")) { try envelope.completion() }
    }

    @Test(arguments: ["", "{", "[]", #"{"type":6}"#, #"{"type":3}"#, "\u{1E}"])
    func `what is no completion is a problem, and no trap`(text: String) {
        let envelope = CompletionEnvelope(protocolName: "json", record: Array(text.utf8))
        #expect(throws: CompletionProblem.self) { try envelope.completion() }
    }

    @Test func `the id is found in whatever cannot be read`() {
        let id = "Aa0-_zZ9" + String(repeating: "x", count: 14)
        let record = Array("{\"invocationId\":\"\(id)\",\"result\":\(id)\(id)\u{1E}".utf8)
        let envelope = CompletionEnvelope(protocolName: "p1", record: record)
        #expect(envelope.possibleInvocationIDs == [id])
        let binary: [UInt8] = [0x95, 3, 0x80, 0xB6] + Array(id.utf8) + [0x03, 0x05]
        let other = CompletionEnvelope(protocolName: "p2", record: binary)
        #expect(other.possibleInvocationIDs == [id])
    }
}

extension ClientAnswer {
    fileprivate func isFailure(of id: String) -> Bool {
        switch self {
        case .result, .error: false
        case .unknown, .disconnected, .unavailable: true
        }
    }
}
