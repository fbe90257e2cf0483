// AgentProcess: the coordinator's end of one agent.
//
//   send ─▶ pipe ─▶ agent ─▶ pipe ─▶ thread ─▶ receive
//
// Thread: the coordinator's; `receive` is called on a thread of this agent.  Allocates: per message.

import CLinux
import Glibc
import Loop

final class AgentProcess {
    private let child: ChildProcess
    private let input: Int32
    private let output: Int32
    private let reader: NativeThread

    /// Long enough to close thousands of connections.
    private static let graceMilliseconds = 3000

    /// - Parameter receive: called for each report, and with nil after the last one.
    init(
        _ setup: AgentSetup, receive: @escaping @Sendable (AgentReport?) -> Void
    ) throws(BenchError) {
        let (commandsOut, commandsIn) = try Self.pipe()
        let (reportsOut, reportsIn) = try Self.pipe()
        input = commandsIn
        output = reportsOut
        child = try ChildProcess(
            name: "agent \(setup.number)", executable: Repository.binary, arguments: ["agent"],
            cores: setup.cores, input: .descriptor(commandsOut), output: .descriptor(reportsIn))
        _ = clinux_close(commandsOut)
        _ = clinux_close(reportsIn)
        reader = NativeThread(name: "agent-\(setup.number)") {
            LineReader.read(reportsOut) { line in
                do throws(BenchError) {
                    receive(try JSONLine.decode(AgentReport.self, line))
                } catch {
                    receive(.failed(error.description))
                }
            }
            receive(nil)
        }
        send(.setup(setup))
    }

    var identifier: Int32 { child.identifier }

    func send(_ command: AgentCommand) {
        let line = JSONLine.encode(command)
        // A command is shorter than a pipe's buffer; an agent that is gone is noticed by its reader.
        _ = line.withUnsafeBytes { clinux_write(input, $0.baseAddress, $0.count) }
    }

    /// Lets the agent go and waits for it.
    func finish() {
        _ = clinux_close(input)
        for _ in 0..<Self.graceMilliseconds / 10 where child.exitCode() == nil { usleep(10_000) }
        child.stop()
        reader.join()
        _ = clinux_close(output)
    }

    private static func pipe() throws(BenchError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else {
            throw BenchError(description: "no pipe; raise the limit of open files")
        }
        return (ends[0], ends[1])
    }
}
