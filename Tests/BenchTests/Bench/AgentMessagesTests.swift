import Measure
import Testing

@testable import bench

@Suite struct AgentMessagesTests {
    private static let setup = AgentSetup(
        number: 1, clientCount: 10, firstClient: 20, rampPerSecond: 2.5, openingCountMax: 4,
        client: ClientSettings(
            urls: ["wss://a:1/x", "wss://b:2/x"],
            access: .secret("s\n", issuer: "i", audience: nil, userCount: 3)),
        task: .receive(
            byteCount: 200, target: "Broadcast", slowShare: 0.1,
            invokes: AgentTask.Invocation(method: "All", ratePerSecond: 1)))

    @Test(
        arguments: [
            .setup(setup), .open, .begin(atNanoseconds: .max), .rest, .end(publishedCount: 3),
        ] as [AgentCommand])
    func `a command is one line, and comes back as it was`(command: AgentCommand) throws {
        let line = JSONLine.encode(command)

        #expect(line.filter { $0 == 0x0A }.count == 1)
        #expect(line.last == 0x0A)
        #expect(try JSONLine.decode(AgentCommand.self, line.dropLast()) == command)
    }

    @Test func `progress keeps its counts, its errors and its distributions`() throws {
        var progress = AgentReport.Progress()
        progress.tally.deliveries = 7
        progress.errors = ["refused": 2]
        for value in [5, 1_000, 2_000_000] as [UInt64] { progress.readings.record(.fanout, value) }
        progress.readings.record(.fanoutLast, 9)

        let line = JSONLine.encode(AgentReport.progress(progress))
        guard case .progress(let read) = try JSONLine.decode(AgentReport.self, line.dropLast())
        else { return #expect(Bool(false), "another report came back") }

        #expect(read.tally == progress.tally)
        #expect(read.errors == progress.errors)
        #expect(read.readings[.fanout]?.count == 3)
        #expect(read.readings[.fanout]?.maximum == progress.readings[.fanout]?.maximum)
        #expect(read.readings[.fanoutLast]?.count == 1)
        #expect(read.readings[.echo] == nil)
    }

    @Test func `sums do not change what was added`() {
        var first = AgentReport.Progress()
        var second = AgentReport.Progress()
        first.readings.record(.echo, 1)
        second.readings.record(.echo, 2)
        var sum = AgentReport.Progress()
        sum.add(first)
        sum.add(second)

        #expect(sum.readings[.echo]?.count == 2)
        #expect(first.readings[.echo]?.count == 1)
    }

    @Test func `a malformed line is an error that shows it`() {
        #expect(throws: BenchError.self) { try JSONLine.decode(AgentCommand.self, Array("{".utf8)) }
    }
}
