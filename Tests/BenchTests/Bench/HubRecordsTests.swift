import Hub
import Testing

@testable import bench

@Suite struct HubRecordsTests {
    private func refusal(_ text: String) throws(JSONError) -> String? {
        let result = Array(text.utf8).withUnsafeBytes { record in
            Result { () throws(JSONError) in try HubRecords.refusal(record) }
        }
        return try result.get()
    }

    @Test(arguments: [
        ("{}", nil), (#"{"error":"x"}"#, "x"), (#"{"error":"caf\u00e9"}"#, "café"),
        (#"{"minorVersion":1,"more":{"error":"y"},"list":[null]}"#, nil),
        (#"{"more":[],"error":"x"}"#, "x"), (#"{"error":null}"#, nil),
    ])
    func `a handshake's answer accepts, or refuses with its text`(
        text: String, expected: String?
    ) throws {
        #expect(try refusal(text) == expected)
    }

    @Test(arguments: [
        #"{"error":1}"#, #"{"error":["x"]}"#, "null", "[]", "\"x\"", "", "{", "{}{}",
    ])
    func `any other handshake answer is malformed`(text: String) {
        #expect(throws: JSONError.self) { try refusal(text) }
    }
}
