import Hub
import Testing

@testable import bench

@Suite struct NegotiateAnswerTests {
    private func answer(_ text: String) throws(NegotiateAnswer.Fault) -> NegotiateAnswer {
        let result = Array(text.utf8).withUnsafeBytes { body in
            Result { () throws(NegotiateAnswer.Fault) in try NegotiateAnswer(body) }
        }
        return try result.get()
    }

    private func fault(_ text: String) -> NegotiateAnswer.Fault? {
        do {
            _ = try answer(text)
            return nil
        } catch { return error }
    }

    private func isMalformed(_ text: String) -> Bool {
        if case .malformed = fault(text) { true } else { false }
    }

    private static let whole =
        #"{"negotiateVersion":1,"connectionId":"c","connectionToken":"t","#
        + #""availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]}]}"#

    @Test func `an answer of version 1 has a token and offers WebSockets`() throws {
        let whole = try answer(Self.whole)

        #expect(whole.version == 1)
        #expect(whole.connectionToken == "t")
        #expect(whole.connectionID == "c")
        #expect(whole.offersWebSockets)
    }

    @Test func `every prefix of an answer is malformed, and so is one with more behind it`() {
        for count in 0..<Self.whole.utf8.count {
            #expect(isMalformed(String(Self.whole.prefix(count))))
        }
        #expect(isMalformed(Self.whole + "x"))
    }

    @Test func `a redirection may bring a token, and null counts as absent`() throws {
        let there = try answer(#"{"url":"https://a/b","accessToken":"x","error":null}"#)

        #expect(there.redirection == "https://a/b")
        #expect(there.accessToken == "x")
        #expect(there.error == nil)
        #expect(!there.offersWebSockets)
    }

    @Test(arguments: [
        "[]", "null", "42", "\"x\"", "",
        #"{"connectionId":1,"availableTransports":[]}"#,
        #"{"connectionId":["c"],"availableTransports":[]}"#,
        #"{"connectionId":"c","availableTransports":{}}"#,
        #"{"connectionId":"c","availableTransports":"WebSockets"}"#,
        #"{"connectionId":"c","availableTransports":null}"#,
        #"{"connectionId":"c","availableTransports":["WebSockets"]}"#,
        #"{"connectionId":"c","availableTransports":[{"transport":1,"transferFormats":[]}]}"#,
        #"{"connectionId":"c","availableTransports":[{"transport":"A","transferFormats":"Text"}]}"#,
        #"{"connectionId":"c","availableTransports":[{"transport":"A","transferFormats":[1]}]}"#,
        #"{"negotiateVersion":"1","connectionId":"c","availableTransports":[]}"#,
        #"{"url":1}"#, #"{"error":{}}"#,
    ])
    func `an answer of another shape is malformed`(text: String) {
        #expect(isMalformed(text))
    }

    @Test(arguments: [
        (#"{"transferFormats":["Text"]}"#, "transport"), (#"{"transport":"A"}"#, "transferFormats"),
    ])
    func `a transport must have its members, even beside a redirection`(
        transport: String, lacking: String
    ) {
        let members = "\"availableTransports\":[\(transport)]"
        #expect(fault("{\"connectionId\":\"c\",\(members)}") == .lacks(member: lacking))
        #expect(fault("{\"url\":\"https://a\",\(members)}") == .lacks(member: lacking))
    }

    @Test(arguments: [
        "null", "true", "-1.5e3", "\"x\"", "[[],{}]", #"{"url":"https://a/b","error":[1]}"#,
    ])
    func `unknown members of any shape are passed over, at every level`(value: String) throws {
        let unknown = "\"unknown\":\(value),"
        let text = Self.whole.replacing("{", with: "{" + unknown)

        #expect(try answer(text) == answer(Self.whole))
    }

    @Test(arguments: [
        ("{}", "connectionId"), (#"{"connectionId":"1"}"#, "availableTransports"),
        (#"{"connectionId":null,"availableTransports":[]}"#, "connectionId"),
        (#"{"availableTransports":[]}"#, "connectionId"),
    ])
    func `an answer must have its members`(text: String, lacking: String) {
        #expect(fault(text) == .lacks(member: lacking))
    }

    @Test func `an error or a redirection needs nothing beside it`() throws {
        #expect(try answer(#"{"error":"no"}"#).error == "no")
        #expect(try answer(#"{"url":"https://a/b"}"#).redirection == "https://a/b")
        #expect(try answer(#"{"negotiateVersion":1,"error":"no"}"#).error == "no")
    }

    @Test(arguments: [(0, nil), (1, "connectionToken"), (2, "connectionToken")])
    func `since version 1 there must be a token`(version: Int, lacking: String?) {
        let text =
            "{\"negotiateVersion\":\(version),\"connectionId\":\"c\",\"availableTransports\":[]}"
        #expect(fault(text) == lacking.map { .lacks(member: $0) })
    }

    @Test(arguments: [
        (#"[]"#, false),
        (#"[{"transport":"LongPolling","transferFormats":["Text"]}]"#, false),
        (#"[{"transport":"WebSockets","transferFormats":["Binary"]}]"#, false),
        (#"[{"transport":"X","transferFormats":["WebSockets"]}]"#, false),
        (
            #"[{"transport":"X","transferFormats":[]},"#
                + #"{"transferFormats":["Binary","Text"],"transport":"WebSockets"}]"#, true
        ),
    ])
    func `WebSockets are offered by name, and for text`(
        transports: String, isOffered: Bool
    ) throws {
        let text = "{\"connectionId\":\"c\",\"availableTransports\":\(transports)}"
        #expect(try answer(text).offersWebSockets == isOffered)
    }
}
