// ChildProcess: another program, started and stopped by us.
//
//   spawn ─▶ running ── SIGTERM ─▶ (grace) ── SIGKILL ─▶ ended
//                └───── we are killed ─▶ SIGTERM from the kernel
//
// setpriv asks for that last signal, because posix_spawn cannot. It counts from the end of the thread
// that has started the child: that must be the main thread.
//
// Thread: main.  Allocates: per start.  Source: man 3 posix_spawn, man 2 waitpid, man 1 setpriv.

import CLinux
import Glibc

final class ChildProcess {
    let identifier: Int32
    /// For errors.
    let name: String
    private var hasEnded = false

    /// Where one of the child's standard descriptors leads.
    enum Stream {
        case inherited
        case descriptor(Int32)
        /// Created or emptied.
        case file(String)
    }

    /// Starts it in a process group of its own, so that Ctrl-C reaches us and not the child.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name to be found in PATH.
    ///   - environment: added to ours.
    ///   - cores: which ones it may use, as taskset has them: "0", "1-3"; nil: any.
    init(
        name: String, executable: String, arguments: [String],
        environment: [(name: String, value: String)] = [], cores: String? = nil,
        input: Stream = .file("/dev/null"), output: Stream = .inherited, error: Stream = .inherited
    ) throws(BenchError) {
        self.name = name
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in [(Int32(0), input), (1, output), (2, error)] {
            Self.add(stream, number, &actions)
        }
        guard Self.isThere(executable) else {
            throw BenchError(
                description: "cannot start \(name): there is no program \(executable); is it "
                    + "installed?")
        }
        var attributes = Self.makeAttributes()
        defer { posix_spawnattr_destroy(&attributes) }

        let variables = Self.environment(adding: environment)
        var identifier: Int32 = 0
        let pinned = cores.map { ["taskset", "-c", $0] } ?? []
        let command =
            ["setpriv", "--pdeathsig", "TERM"] + pinned + [executable] + arguments
        let result = Self.withPointers(command) { arguments in
            Self.withPointers(variables) { variables in
                posix_spawnp(
                    &identifier, command[0], &actions, &attributes, arguments, variables)
            }
        }
        guard result == 0 else {
            let reason = strerror(result).map { String(cString: $0) } ?? "errno \(result)"
            throw BenchError(
                description: "cannot start \(name): \(command[0]): \(reason); is it installed?")
        }
        self.identifier = identifier
        Leftovers.add(process: identifier)
    }

    private static func isThere(_ executable: String) -> Bool {
        if executable.contains("/") { return access(executable, X_OK) == 0 }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { access("\($0)/\(executable)", X_OK) == 0 }
    }

    private static func add(
        _ stream: Stream, _ number: Int32, _ actions: inout posix_spawn_file_actions_t
    ) {
        switch stream {
        case .inherited: break
        case .descriptor(let descriptor):
            posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        case .file(let path):
            let flags = number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC
            posix_spawn_file_actions_addopen(&actions, number, path, flags, 0o600)
        }
    }

    /// A child must not inherit that we block the signals which would stop it.
    private static func makeAttributes() -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        return attributes
    }

    private static func environment(adding more: [(name: String, value: String)]) -> [String] {
        var variables: [String] = []
        var next = environ
        while let entry = next.pointee {
            variables.append(String(cString: entry))
            next += 1
        }
        variables.removeAll { line in more.contains { line.hasPrefix($0.name + "=") } }
        return variables + more.map { "\($0.name)=\($0.value)" }
    }

    private static func withPointers<Result>(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }

    /// The exit code, 128 + n after signal n; nil while it runs.
    func exitCode() -> Int32? {
        if hasEnded { return lastCode }
        var state = siginfo_t()
        let flags = WEXITED | WNOHANG | WNOWAIT
        guard waitid(P_PID, UInt32(identifier), &state, flags) == 0, state.si_signo == SIGCHLD
        else { return nil }
        Leftovers.remove(process: identifier)
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
        hasEnded = true
        lastCode = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return lastCode
    }

    private var lastCode: Int32 = 0

    /// Asks it to end, and makes it end after `graceMilliseconds`.
    func stop(graceMilliseconds: Int = 5000) {
        if exitCode() != nil { return }
        kill(identifier, SIGTERM)
        for _ in 0..<graceMilliseconds / 10 {
            if exitCode() != nil { return }
            usleep(10_000)
        }
        kill(identifier, SIGKILL)
        while exitCode() == nil { usleep(1000) }
    }
}
