import Testing
import TestSupport

@testable import Hub

@Suite("Negotiate") struct NegotiateTests {
    @Test(arguments: [(nil, 0), ("0", 0), ("1", 1), ("2", 1), ("99", 1)] as [(String?, Int)])
    func `a version is taken as it is and clamped to 1`(text: String?, version: Int) throws {
        #expect(try Negotiate.version(text) == version)
    }

    @Test(arguments: ["Invalid", "", "1.5", "1,1", " 1", "99999999999999999999"])
    func `a version that is no integer is an error`(text: String) {
        #expect(throws: NegotiateError.notAnInteger(text)) { try Negotiate.version(text) }
    }

    @Test func `a version below the minimum is named`() {
        #expect(throws: NegotiateError.tooOld(-1)) { try Negotiate.version("-1") }
        #expect(throws: NegotiateError.tooOld(0)) { try Negotiate.version(nil, versionMin: 1) }
        #expect(throws: NegotiateError.tooOld(0)) { try Negotiate.version("0", versionMin: 1) }
        #expect(
            text(Negotiate.answer(.tooOld(0)))
                == #"{"error":"The client requested version '0', but the server does not support this version."}"#
        )
    }

    @Test func `the answer has the fields of its version in order`() {
        let ids = ConnectionIDs(connectionID: "c", token: "t")

        #expect(
            text(Negotiate.answer(version: 1, ids: ids, transports: [.webSockets]))
                == #"{"negotiateVersion":1,"connectionId":"c","connectionToken":"t","#
                + #""availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]}]}"#
        )
        #expect(
            text(Negotiate.answer(version: 0, ids: ids, transports: []))
                == #"{"negotiateVersion":0,"connectionId":"c","availableTransports":[]}"#)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
