// Agent: the child process that holds a share of the clients: `bench agent`.
//
//   stdin ── commands ──▶ thread ──▶ mailbox ──▶ loop ── reports ──▶ thread ──▶ stdout
//     └── end of file: the coordinator is gone, and so are we
//
// Processes and not threads, because one process may have only so many descriptors.
//
// Thread: main runs the loop; two more wait for pipes.  Allocates: per command and report.

import CLinux
import Glibc
import Loop

enum Agent {
    private enum Event: Sendable {
        case command(AgentCommand)
        case coordinatorGone
    }

    /// Never called by people; returns the exit code.
    static func run() -> Int32 {
        guard case .setup(let setup)? = firstCommand() else {
            Terminal.error("bench agent is started by bench itself; run bench instead")
            return 2
        }
        let reports = LineWriter<AgentReport>(STDOUT_FILENO)
        defer { reports.close() }
        do {
            let reactor = try Reactor(limits: ClientLoop.limits(setup))
            let clients = try ClientLoop(reactor: reactor, setup: setup) { reports.post($0) }
            let events = reactor.makeMailbox(of: Event.self) { [unowned reactor] event in
                switch event {
                case .command(.open): clients.open()
                case .command(.begin(let start)): clients.begin(at: start)
                case .command(.rest): clients.rest()
                case .command(.end(let count)): clients.end(publishedCount: count)
                case .command(.setup): preconditionFailure("set up twice")
                case .coordinatorGone: reactor.stop()
                }
            }
            NativeThread(name: "commands") { readCommands(events) }.detach()
            reactor.run()
            return 0
        } catch {
            reports.post(.failed("\(error)"))
            return 1
        }
    }

    private static func readCommands(_ events: Mailbox<Event>) {
        LineReader.read(STDIN_FILENO) { line in
            // A coordinator of another version could not be understood; it would be the same file.
            guard let command = try? JSONLine.decode(AgentCommand.self, line) else { return }
            events.post(.command(command))
        }
        events.post(.coordinatorGone)
    }

    /// The first line, byte by byte: what follows is the other thread's.
    private static func firstCommand() -> AgentCommand? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while clinux_read(STDIN_FILENO, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return try? JSONLine.decode(AgentCommand.self, line) }
            line.append(byte)
        }
        return nil
    }
}
