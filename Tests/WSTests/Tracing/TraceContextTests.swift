import Testing

@testable import WS

@Suite struct TraceContextTests {
    private static let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `a traceparent is read and written back as it was`() throws {
        let context = try #require(TraceContext(parsing: Self.text.utf8))

        #expect(context.traceID == (0x4BF9_2F35_77B3_4DA6, 0xA3CE_929D_0E0E_4736))
        #expect(context.spanID == 0x00F0_67AA_0BA9_02B7)
        #expect(context.isSampled)
        #expect(context.text == Self.text)
    }

    @Test(arguments: [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true)])
    func `of the flags only the lowest counts`(flags: String, isSampled: Bool) throws {
        let text = Self.text.dropLast(2) + flags
        let context = try #require(TraceContext(parsing: text.utf8))

        #expect(context.isSampled == isSampled)
        #expect(context.text.hasSuffix(isSampled ? "-01" : "-00"))
    }

    @Test func `no prefix and no longer text is a traceparent`() {
        for count in 0..<Self.text.utf8.count {
            #expect(TraceContext(parsing: Self.text.utf8.prefix(count)) == nil, "\(count)")
        }
        #expect(TraceContext(parsing: (Self.text + "-").utf8) == nil)
    }
}

@Suite struct SamplerTests {
    private func parent(isSampled: Bool) -> TraceContext {
        TraceContext(traceID: (1, 2), spanID: 3, isSampled: isSampled)
    }

    @Test func `a parent that is followed decides, whatever the root rule`() {
        #expect(Sampler(.never).samples((1, 2), parent: parent(isSampled: true)))
        #expect(!Sampler(.always).samples((1, 2), parent: parent(isSampled: false)))
    }

    @Test func `without a parent, or with one that is not followed, the rule decides`() {
        #expect(Sampler(.always).samples((1, 2), parent: nil))
        #expect(!Sampler(.never).samples((1, 2), parent: nil))
        let always = Sampler(.always, followsParent: false)
        #expect(always.samples((1, 2), parent: parent(isSampled: false)))
    }

    @Test func `a share takes that share, and the same traces everywhere`() {
        let quarter = Sampler(.ratio(0.25))
        let step = UInt64.max / 1000
        let kept = (0..<1000).filter { quarter.samples((7, UInt64($0) * step), parent: nil) }

        // 0...250 thousandths.
        #expect(kept.count == 251)
        #expect(!Sampler(.ratio(0)).samples((7, 0), parent: nil))
        #expect(Sampler(.ratio(1)).samples((7, .max), parent: nil))
    }
}
