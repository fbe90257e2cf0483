import Testing

@testable import bench

@Suite struct OrderIDTests {
    private func find(_ text: String) -> OrderID? {
        Array(text.utf8).withUnsafeBytes { OrderID(in: $0) }
    }

    private static let id = "0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3"

    @Test func `an answer and a push name the same order, in either case`() {
        let posted = find(#"{"id":1,"correlationId":"\#(Self.id)","items":[]}"#)
        let pushed = find(
            #"{"type":1,"arguments":[{"correlationId":{"value":"\#(Self.id.uppercased())"},"status":2}]}"#
        )

        #expect(posted != nil)
        #expect(posted == pushed)
    }

    @Test func `a text that ends too early, or is no such id, is none`() {
        let text = #"{"correlationId":"\#(Self.id)"}"#
        for count in 0..<text.utf8.count - 2 { #expect(find(String(text.prefix(count))) == nil) }
        #expect(find(#"{"correlationId":"0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5bX"}"#) == nil)
        #expect(find(#"{"type":6}"#) == nil)
    }
}
