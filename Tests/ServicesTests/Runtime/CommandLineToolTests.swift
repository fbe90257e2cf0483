import Foundation
import Testing

@testable import Services

@Suite("CommandLineTool") struct CommandLineToolTests {
    private func run(_ words: String..., environment: [String: String] = [:]) -> ExitCode {
        CommandLineTool.run(arguments: words, environment: environment)
    }

    @Test(arguments: ["help", "version", "--help", "-h", "--version", "-V"])
    func `questions about the program itself succeed`(word: String) {
        #expect(run(word) == .success)
    }

    @Test func `every command explains itself`() {
        for command in CommandLineTool.commands {
            #expect(run(command.name, "--help") == .success)
            #expect(run("help", command.name) == .success)
        }
    }

    @Test func `what does not exist is a usage error`() {
        #expect(run() == .usage)
        #expect(run("sevre") == .usage)
        #expect(run("serve", "--colour") == .usage)
        #expect(run("serve", "word") == .usage)
        #expect(run("config", "shwo") == .usage)
        #expect(run("help", "me") == .usage)
        #expect(run("token", "--dev") == .usage)
        #expect(run("token", "--dev", "--user", "u", "--minutes", "0") == .usage)
    }

    @Test func `what cannot be right is a configuration error`() {
        #expect(run("serve") == .configuration)
        #expect(run("serve", "--dev", "--threads", "many") == .configuration)
        #expect(run("token", "--user", "u") == .configuration)
        #expect(run("config", "check", environment: ["CONTOSO_X": "1"]) == .configuration)
    }

    @Test func `a token needs a user, and a key or --dev`() {
        #expect(run("token", "--dev", "--user", "CUST-0001") == .success)
        #expect(
            run(
                "token", "--user", "CUST-0001",
                environment: ["Jwt__SigningKey": String(repeating: "k", count: 32)]) == .success)
    }

    @Test(arguments: [
        ("http://localhost:8080", "localhost:8080"), ("http://[::1]:1/x", "[::1]:1"),
        ("http://h", "h:80"), ("http://[::1]", "[::1]:80"),
    ])
    func `health reads a URL`(url: String, address: String) {
        #expect(HealthCommand.address(of: url)?.description == address)
    }

    @Test(arguments: ["https://localhost", "localhost:8080", "http://", "http://h:x"])
    func `health refuses what is no plain URL`(url: String) {
        #expect(HealthCommand.address(of: url) == nil)
    }

    @Test func `nothing that listens is unavailable`() {
        // Port 1 is reserved (tcpmux) and nobody's.
        #expect(run("health", "--url", "http://127.0.0.1:1") == .unavailable)
    }

    @Test func `the table in OPERATIONS is that of config docs`() throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let manual = try String(
            contentsOf: root.appending(path: "docs/OPERATIONS.md"), encoding: .utf8)

        #expect(manual.contains(ConfigurationText.docs()))
    }
}
