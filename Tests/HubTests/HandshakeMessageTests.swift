import Testing

@testable import Hub

@Suite("HandshakeMessage") struct HandshakeMessageTests {
    @Test(arguments: [
        #"{"protocol":"json","version":1}"#, #"{"protocol":"json","version":1,"foo":[1]}"#,
        #"{"version":1,"protocol":"json"}"#, #"{"protocol":"JSON","version":1}"#,
        #"{"protocol":"json","version":2}"#, #"{"protocol":"json","version":0}"#,
        #"{"protocol":"json","version":-1}"#, #" { "version" : 1 , "protocol" : "json" } "#,
    ])
    func `a request for JSON of a known version is accepted`(text: String) throws {
        #expect(try answer(text) == .json)
    }

    @Test(arguments: [
        (#"{"protocol":"blah","version":1}"#, "The protocol 'blah' is not supported."),
        (#"{"protocol":"","version":1}"#, "The protocol '' is not supported."),
        (
            #"{"protocol":"messagepack","version":1}"#,
            "The protocol 'messagepack' is not supported."
        ),
        (
            #"{"protocol":"json","version":3}"#,
            "The server does not support version 3 of the 'json' protocol."
        ),
    ])
    func `what is not supported is named`(text: String, error: String) {
        #expect(refusal(text) == error)
    }

    @Test(arguments: [
        "{}", #"{"version":1}"#, #"{"protocol":"json"}"#, #"{"protocol":1,"version":1}"#,
        #"{"protocol":"json","version":"1"}"#, #"{"protocol":"json","version":1.5}"#, "null", "42",
        "\"x\"", "[]", "{\"a", "", #"{"type":6}"#,
    ])
    func `anything else is malformed, with a reason only when details are on`(text: String) {
        let base = "An unexpected error occurred during connection handshake."
        #expect(refusal(text) == base)
        #expect(
            refusal(text, withDetails: true)?.hasPrefix(base + " InvalidDataException: ") == true)
    }

    @Test func `a text-only protocol needs a transport that carries text`() {
        let error = HandshakeError.unsupportedFormat(.binary, protocolName: "messagepack")
        #expect(
            error.text(withDetails: false)
                == "Cannot use the 'messagepack' protocol on the current transport. "
                + "The transport does not support 'Binary' transfer format.")
        #expect(throws: HandshakeError.unsupportedFormat(.text, protocolName: "json")) {
            try HandshakeRequest(protocolName: "json", version: 1)
                .resolve(supported: [.json], formats: [.binary])
        }
    }

    @Test func `the answers are exact`() {
        #expect(HandshakeResponse.accepted == [0x7B, 0x7D, 0x1E])
        #expect(
            HandshakeResponse.refused(.canceled, withDetails: false)
                == Array("{\"error\":\"Handshake was canceled.\"}\u{1E}".utf8))
    }

    private func answer(_ text: String) throws(HandshakeError) -> HubProtocol {
        let parsed = Array(text.utf8).withUnsafeBytes { buffer in
            Result { () throws(HandshakeError) in try HandshakeRequest.parse(buffer) }
        }
        return try parsed.get().resolve(supported: [.json], formats: [.text, .binary])
    }

    private func refusal(_ text: String, withDetails: Bool = false) -> String? {
        do {
            _ = try answer(text)
            return nil
        } catch { return error.text(withDetails: withDetails) }
    }
}
