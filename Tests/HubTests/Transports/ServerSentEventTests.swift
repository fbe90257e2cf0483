import Testing

@testable import Hub

@Suite("ServerSentEvent") struct ServerSentEventTests {
    @Test(
        arguments: [
            ("Hello World", "data: Hello World\r\n\r\n"),
            ("Hello\nWorld", "data: Hello\r\ndata: World\r\n\r\n"),
            ("Hello\r\nWorld", "data: Hello\r\ndata: World\r\n\r\n"),
            ("", "\r\n"),
            ("Hello\n", "data: Hello\r\ndata: \r\n\r\n"),
            ("Hello\r\n", "data: Hello\r\ndata: \r\n\r\n"),
            ("{\"type\":6}\u{1E}", "data: {\"type\":6}\u{1E}\r\n\r\n"),
        ])
    func `each line of a payload is a data line of one event`(payload: String, event: String) {
        #expect(String(decoding: ServerSentEvent.encode(payload.utf8), as: UTF8.self) == event)
    }

    @Test func `a return without a newline ends a line for the client, and so here`() {
        #expect(
            String(decoding: ServerSentEvent.encode("a\rb".utf8), as: UTF8.self)
                == "data: a\r\ndata: b\r\n\r\n")
    }

    @Test func `a payload in pieces is the same event, wherever it is cut twice`() {
        let whole = Array("Hello\r\nWorld\n\r\n{}\u{1E}\n".utf8)
        let event = ServerSentEvent.encode(whole)

        for first in 0...whole.count {
            for second in first...whole.count {
                let pieces = [whole[..<first], whole[first..<second], whole[second...]]
                #expect(ServerSentEvent.encode(pieces.joined()) == event)
            }
        }
    }

    @Test func `a slice is encoded without what is around it`() {
        let bytes = Array("xHello\nWorldx".utf8)
        #expect(
            ServerSentEvent.encode(bytes[1..<12]) == ServerSentEvent.encode("Hello\nWorld".utf8))
    }
}
