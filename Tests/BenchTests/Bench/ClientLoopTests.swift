import Glibc
import Loop
import Measure
import TestSupport
import Testing
import WS

@testable import bench

/// The agents' half of two scenarios, against our own server classes, in this process.
@Suite(.timeLimit(.minutes(1))) struct ClientLoopTests {
    private final class Echo: WSConnection {
        override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
            send(UnsafeRawBufferPointer(message), as: kind)
        }
    }

    /// What an agent reports, with a way to command it.
    private final class AgentHarness {
        enum Command: Sendable { case open, begin, rest, end }

        struct Reported: Sendable {
            var total = AgentReport.Progress()
            /// As last reported.
            var openCount = 0
            var isOpen = false
            var hasEnded = false
        }

        let reported = Monitor(Reported())
        private let group = LoopGroup()
        private let commands: Mailbox<Command>

        init(_ setup: AgentSetup) throws {
            let made = Monitor<Mailbox<Command>?>(nil)
            let reported = reported
            try group.start(count: 1, limits: ClientLoop.limits(setup)) { reactor, _ in
                let clients = try ClientLoop(reactor: reactor, setup: setup) { report in
                    reported.update { state in
                        switch report {
                        case .progress(let progress):
                            state.total.add(progress)
                            state.openCount = progress.tally.openCount
                        case .opened: state.isOpen = true
                        case .ended: state.hasEnded = true
                        case .begun, .completed, .failed: break
                        }
                    }
                }
                let mailbox = reactor.makeMailbox(of: Command.self) { command in
                    switch command {
                    case .open: clients.open()
                    case .begin: clients.begin(at: 0)
                    case .rest: clients.rest()
                    case .end: clients.end(publishedCount: 0)
                    }
                }
                made.update { $0 = mailbox }
            }
            commands = made.withLock { $0! }
        }

        deinit { group.stop() }

        func send(_ command: Command) { commands.post(command) }

        func waits(for condition: (Reported) -> Bool) -> Bool {
            reported.wait(atMost: .seconds(30)) { condition($0) ? true : nil } ?? false
        }
    }

    private func echoServer() throws -> LoopHarness {
        try LoopHarness { reactor in
            var router = Router()
            router.upgrade("/") { .webSocket($0) { Echo(limits: WSLimits()) } }
            let server = HTTPServer(
                reactor: reactor, router: router, configuration: HTTPConfiguration())
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    private func setup(_ address: String, _ task: AgentTask, isRaw: Bool = true) -> AgentSetup {
        var client = ClientSettings(urls: ["ws://\(address)/"])
        client.isRaw = isRaw
        client.sources = ["127.0.0.2", "127.0.0.3"]
        return AgentSetup(
            number: 0, clientCount: 5, firstClient: 0, rampPerSecond: nil, openingCountMax: 2,
            client: client, task: task)
    }

    @Test func `clients open a few at a time, each phase timed, and their messages come back`()
        throws
    {
        let server = try echoServer()
        let agent = try AgentHarness(
            setup(server.address, .echo(byteCount: 300, method: nil, ratePerSecond: nil)))

        agent.send(.open)
        #expect(agent.waits { $0.isOpen })
        agent.send(.begin)
        #expect(agent.waits { $0.total.tally.finished > 0 })
        agent.send(.rest)
        agent.send(.end)
        #expect(agent.waits { $0.hasEnded })

        let total = agent.reported.withLock { $0.total }
        #expect(total.tally.opened == 5)
        #expect(total.tally.failed == 0)
        #expect(total.tally.malformed == 0)
        #expect(total.errors.isEmpty)
        #expect(total.readings[.tcp]?.count == 5)
        #expect(total.readings[.upgrade]?.count == 5)
        #expect(total.readings[.connect]?.count == 5)
        #expect(total.readings[.echo]?.count == total.tally.finished)
    }

    @Test func `connections that the server ends are counted as dropped`() throws {
        let server = try echoServer()
        let agent = try AgentHarness(setup(server.address, .hold))

        agent.send(.open)
        #expect(agent.waits { $0.isOpen })
        _ = server.drain(atMost: .seconds(20))

        #expect(agent.waits { $0.total.tally.dropped == 5 })
        #expect(agent.waits { $0.openCount == 0 })
    }

    @Test func `a server that is no hub fails each connection, with one reason for all`() throws {
        let server = try echoServer()
        let agent = try AgentHarness(setup(server.address, .hold, isRaw: false))

        agent.send(.open)
        #expect(agent.waits { $0.isOpen })

        let total = agent.reported.withLock { $0.total }
        #expect(total.tally.failed == 5)
        #expect(total.errors.count == 1)
        #expect(total.errors.keys.first?.hasPrefix("negotiate: status 404") == true)
    }
}
