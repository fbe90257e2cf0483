import Hub
import Testing

@testable import Services

/// RFC 8259: what is JSON, and nothing more.
@Suite("JSONValue") struct JSONValueTests {
    static let sample =
        #"{"a": [1, -2.5e+3, "x\n\u00e9\ud83d\ude00"], "b": {"c": null, "d": true}}"#

    @Test func `a document becomes its tree`() {
        guard case .object(let root) = parse(Self.sample) else {
            Issue.record("not an object")
            return
        }

        #expect(root["a"] == .array([.number("1"), .number("-2.5e+3"), .string("x\né😀")]))
        #expect(root["b"] == .object(.init(members: [("c", .null), ("d", .boolean(true))])))
    }

    @Test func `no shorter prefix of an object is a document`() {
        for count in 0..<Self.sample.utf8.count {
            #expect(throws: JSONError.self) {
                try JSONValue(parsing: Array(Self.sample.utf8.prefix(count)), depthMax: 9)
            }
        }
    }

    @Test(arguments: [
        "", " ", "01", "1.", ".5", "+1", "1e", "-", "tru", "nul", "NaN", "'a'", "[1,]", "[,1]",
        "{\"a\"}", "{\"a\":1,}", "{a:1}", "\"\t\"", #""\x""#, #""\u12G4""#, #""\ud800""#,
        #""\ud800\u0041""#, #""\udc00""#, "1 2", "[1] x", "//c\n1",
    ])
    func `what RFC 8259 does not allow is refused`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func `text that is not UTF-8 is refused`() {
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: [0x22, 0xC3, 0x22], depthMax: 9)
        }
    }

    @Test(arguments: [(8, true), (9, false), (100_000, false)])
    func `nesting is limited`(depth: Int, isGood: Bool) {
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(((try? JSONValue(parsing: Array(text.utf8), depthMax: 8)) != nil) == isGood)
    }

    @Test func `members are found without regard to case, the last one winning`() {
        guard case .object(let root) = parse(#"{"Items": 1, "items": 2}"#) else { return }

        #expect(root.member(ignoringCase: "items") == .number("2"))
        #expect(root["Items"] == .number("1"))
        #expect(!root.hasDuplicates)
    }

    private func parse(_ text: String) -> JSONValue? {
        try? JSONValue(parsing: Array(text.utf8), depthMax: 9)
    }
}
