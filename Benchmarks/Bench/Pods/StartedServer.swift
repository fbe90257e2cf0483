// StartedServer: a server of the run, from its start to the line that says where it listens.
//
//   spawn ─▶ (its output, until the line is there) ─▶ ready ─▶ stop
//
// Thread: the coordinator's.  Allocates: freely.

import CLinux
import Glibc

final class StartedServer {
    let name: String
    private let child: ChildProcess
    private let output: String

    /// A pod on a busy machine migrates its database and makes its keys within this.
    private static let startMilliseconds = 30_000

    /// - Parameter executable: a path, or a name to be found in PATH.
    init(
        name: String, executable: String, arguments: [String],
        environment: [(name: String, value: String)] = [], cores: String? = nil,
        in scratch: ScratchDirectory
    ) throws(BenchError) {
        self.name = name
        output = scratch.file("\(name).log")
        child = try ChildProcess(
            name: name, executable: executable, arguments: arguments, environment: environment,
            cores: cores, output: .file(output), error: .file(scratch.file("\(name).err")))
    }

    var process: Int32 { child.identifier }
    var isRunning: Bool { child.exitCode() == nil }

    /// The rest of the line that begins with `beginning`, as soon as the server has said it.
    func line(after beginning: String) throws(BenchError) -> String {
        for _ in 0..<Self.startMilliseconds / 20 {
            let text = ScratchDirectory.text(of: output)
            for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1) {
                if let range = line.firstRange(of: beginning) {
                    return String(line[range.upperBound...])
                }
            }
            if let code = child.exitCode() { throw ended(code, text) }
            usleep(20_000)
        }
        throw BenchError(description: "\(name) is not ready after 30 s: \(lastWords())")
    }

    private func ended(_ code: Int32, _ text: String) -> BenchError {
        BenchError(description: "\(name) ended with exit code \(code): \(lastWords())")
    }

    /// Of what it wrote to stderr, else stdout.
    private func lastWords() -> String {
        let errors = ScratchDirectory.text(of: output.dropLast(3) + "err")
        let text = errors.isEmpty ? ScratchDirectory.text(of: output) : errors
        return text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    }

    func stop() { child.stop() }
}

/// A request that may block, for the start of a run.
enum BlockingRequest {
    /// The status of a GET; nil if nobody answers.
    static func status(_ host: String, _ port: UInt16, _ path: String) -> Int? {
        let answer = answer(host, port, path, byteCountMax: 512)
        return answer.count > 12 ? Int(String(decoding: answer[9..<12], as: UTF8.self)) : nil
    }

    /// All of the answer to a GET, with its head; empty if nobody answers.
    static func answer(
        _ host: String, _ port: UInt16, _ path: String, byteCountMax: Int = 1 << 20
    ) -> [UInt8] {
        let descriptor = clinux_connect(host, port)
        guard descriptor >= 0 else { return [] }
        defer { _ = clinux_close(descriptor) }
        let request = Array(
            "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
        guard clinux_send(descriptor, request, request.count) == request.count else { return [] }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var answer: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 * 1024)
        while answer.count < byteCountMax, poll(&waiting, 1, 2000) == 1 {
            let count = clinux_recv(descriptor, &part, part.count)
            if count <= 0 { break }
            answer += part[..<count]
        }
        return answer
    }
}
