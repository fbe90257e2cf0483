import Testing

@testable import WS

/// RFC 6455 §5.5.1 and §7.4.
@Suite struct CloseCodeTests {
    @Test func `exactly the registered and the private codes may stand in a frame`() {
        let allowed = (UInt16.min...UInt16.max).filter { CloseCode(rawValue: $0).isAllowedOnWire }

        #expect(allowed == Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
    }

    @Test func `an empty payload means no status`() throws {
        #expect(try parse([]) == .noStatus)
    }

    @Test func `half a code, a forbidden code and a bad reason are told apart`() {
        #expect(throws: FrameViolation.truncatedCloseCode) { try parse([0x03]) }
        #expect(throws: FrameViolation.forbiddenCloseCode(1005)) { try parse([0x03, 0xED]) }
        #expect(throws: FrameViolation.forbiddenCloseCode(0)) { try parse([0, 0]) }
        #expect(throws: FrameViolation.invalidUTF8) { try parse([0x03, 0xE8, 0xC3]) }
        #expect(FrameViolation.truncatedCloseCode.closeCode == .protocolError)
        #expect(FrameViolation.forbiddenCloseCode(1005).closeCode == .protocolError)
        #expect(FrameViolation.invalidUTF8.closeCode == .invalidPayload)
        #expect(FrameViolation.messageTooLarge.closeCode == .messageTooBig)
    }

    @Test func `what is written is read again`() throws {
        #expect(try parse(CloseCode.goingAway.payload(reason: "até já")) == .goingAway)
        #expect(CloseCode.normal.payload(reason: "bye") == [0x03, 0xE8] + Array("bye".utf8))
        #expect(CloseCode.noStatus.payload(reason: "unsaid").isEmpty)
    }

    @Test(arguments: [121, 122, 123, 124])
    func `a long reason is cut between characters to fit a control frame`(asciiCount: Int) throws {
        let reason = String(repeating: "x", count: asciiCount) + "é"

        let payload = CloseCode.normal.payload(reason: reason)

        #expect(payload.count == 2 + (asciiCount == 121 ? 123 : min(asciiCount, 123)))
        #expect(try parse(payload) == .normal)
    }

    private func parse(_ payload: [UInt8]) throws(FrameViolation) -> CloseCode {
        let result = payload.withUnsafeBytes { bytes in
            Result { () throws(FrameViolation) in try CloseCode.parse(bytes) }
        }
        return try result.get()
    }
}
