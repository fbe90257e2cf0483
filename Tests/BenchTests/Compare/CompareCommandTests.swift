import Testing

@testable import bench

@Suite struct CompareCommandTests {
    @Test func `two files are two sides`() throws {
        let files = try CompareCommand.parse(["a.json", "b.json"])
        #expect(files == .init(first: ["a.json"], second: ["b.json"]))
    }

    @Test func `with divides the sides`() throws {
        let files = try CompareCommand.parse(["a", "b", "--force", "--with", "c", "d", "e"])
        #expect(files == .init(first: ["a", "b"], second: ["c", "d", "e"], isForced: true))
    }

    @Test func `the floor is in the files of the server`() throws {
        let files = try CompareCommand.parse(["--floor", "a", "b", "c"])
        #expect(files == .init(first: ["a", "b", "c"], isAgainstFloor: true))
    }

    @Test(arguments: [
        [], ["--floor"], ["--floor", "a", "--with", "b"], ["a"], ["a", "b", "c"], ["a", "--with"],
        ["--with", "b"],
        ["a", "--with", "b", "--with", "c"], ["a", "b", "--loud"],
    ]) func `half a comparison is refused`(arguments: [String]) {
        #expect(throws: UsageError.self) { try CompareCommand.parse(arguments[...]) }
    }

    @Test func `help is no comparison`() throws {
        #expect(try CompareCommand.parse(["a", "--help"]) == nil)
    }
}
