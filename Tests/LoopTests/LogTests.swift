import Testing

@testable import Loop

@Suite struct LogTests {
    @Test func `a log line escapes what could break out of its string`() {
        let line = Log.line(
            at: WallTime(microseconds: 0), level: .info, logger: "test", message: "said",
            fields: [.string("text", "a\"b\\c\nd\u{1}é"), .integer("n", 7), .boolean("ok", true)])
        #expect(
            line
                == #"{"ts":"1970-01-01T00:00:00.000000Z","level":"info","logger":"test","msg":"said","#
                + #""text":"a\"b\\c\nd\u0001é","n":7,"ok":true}"# + "\n")
    }

    @Test func `at a terminal a line is text, and no value can make a second line of it`() {
        let line = Log.text(
            at: WallTime(microseconds: 45_296_000_000), level: .warning, logger: "test",
            message: "said",
            fields: [.string("word", "plain"), .string("text", "a b\nc"), .integer("n", 7)])
        #expect(line == "12:34:56 warning test: said word=plain text=\"a b\\nc\" n=7\n")
    }
}
