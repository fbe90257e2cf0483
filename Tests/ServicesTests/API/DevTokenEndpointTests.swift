import TestSupport
import Testing
import WS

@testable import Services

@Suite("POST /dev/token") struct DevTokenEndpointTests {
    private let tokens: DevTokens = {
        var configuration = Configuration()
        configuration.signingKey = SigningKey.documented
        configuration.devTokenLifetime = .seconds(7200)
        return DevTokens(configuration, time: FakeClock())
    }()

    private func answer(_ body: String, type: String = "application/json") -> Response {
        let request = Request.sample(
            "POST", "/dev/token",
            fields: [("Content-Type", type), ("Authorization", "Bearer stale")],
            body: Array(body.utf8))
        return DevTokenEndpoint.response(to: request, tokens)
    }

    private func text(_ response: Response) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    @Test func `a user gets a token and its end, whatever token came along`() {
        let response = answer(#"{"userId":"  CUST-0001 "}"#)

        #expect(response.status == .ok)
        #expect(text(response).hasPrefix(#"{"userId":"CUST-0001","token":"eyJ"#))
        #expect(text(response).hasSuffix(#","expiresAtUtc":"2026-01-01T02:00:00.000000Z"}"#))
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"userId":""}"#, #"{"userId":"  "}"#, #"{"userId":1}"#,
        #"{"userId":null}"#,
    ])
    func `a body without a user is 400`(body: String) {
        let response = answer(body)

        #expect(response.status == .badRequest)
        #expect(text(response) == #"{"error":"userId is required"}"#)
    }

    @Test func `another media type is 415`() {
        #expect(answer(#"{"userId":"u"}"#, type: "text/plain").status == .unsupportedMediaType)
    }
}
