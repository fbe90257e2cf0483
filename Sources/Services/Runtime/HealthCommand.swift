// HealthCommand: `contoso health`, which asks a server whether it is ready; for container checks.
//
//   connect ─▶ GET /health/ready ─▶ first line of the answer ─▶ 0 ready, 69 not
//
// Thread: the main thread; blocks for at most the time-outs below.
// Source: RFC 9112 §4 (status line); man 3 getaddrinfo.

import CLinux
import Glibc

enum HealthCommand {
    static let command = Command(
        name: "health", operands: "[--url http://HOST:PORT]",
        summary: "Ask a running server whether it is ready",
        details: "Exits with 0 when it is, with 69 when it is not or does not answer in 2 seconds.",
        flags: ["--url"]
    ) { run($0) }

    /// Shorter than the deadline of every probe that would call us.
    private static let timeoutSeconds = 2

    private static func run(_ input: CommandInput) -> ExitCode {
        if let problem = input.flags.problems.first {
            Terminal.complain(problem.description)
            return .usage
        }
        let url = input.flags.own["--url"] ?? "http://localhost:8080"
        guard let address = address(of: url) else {
            Terminal.complain("--url: write a URL such as http://localhost:8080")
            return .usage
        }
        guard let status = status(of: address) else {
            Terminal.say("no answer from \(address)")
            return .unavailable
        }
        Terminal.say(status == 200 ? "ready" : "not ready: status \(status)")
        return status == 200 ? .success : .unavailable
    }

    /// Health is served without TLS to probes; a URL of another scheme is refused.
    static func address(of url: String) -> ListenAddress? {
        guard url.hasPrefix("http://") else { return nil }
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" }
        let hasPort = authority.lastIndex(of: ":").map { authority[$0...].last != "]" } ?? false
        // `address` has told "none" and malformed texts apart; here both are no address.
        return try? SettingValue.address(hasPort ? String(authority) : "\(authority):80")
    }

    private static func status(of address: ListenAddress) -> Int? {
        guard let socket = connect(to: address) else { return nil }
        defer { _ = clinux_close(socket) }
        let request = Array(
            "GET /health/ready HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n".utf8)
        guard clinux_send(socket, request, request.count) == request.count else { return nil }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 512)
        // "HTTP/1.1 200" is all that matters.
        while answer.count < 12 {
            let count = chunk.withUnsafeMutableBytes {
                clinux_recv(socket, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return nil }
            answer += chunk.prefix(count)
        }
        guard answer.starts(with: "HTTP/1.".utf8) else { return nil }
        return Int(String(decoding: answer[9..<12], as: UTF8.self))
    }

    private static func connect(to address: ListenAddress) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var results: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &results) == 0 else {
            return nil
        }
        defer { freeaddrinfo(results) }
        var next = results
        while let candidate = next?.pointee {
            next = candidate.ai_next
            let socket = socket(candidate.ai_family, candidate.ai_socktype, candidate.ai_protocol)
            guard socket >= 0 else { continue }
            var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
            if Glibc.connect(socket, candidate.ai_addr, candidate.ai_addrlen) == 0 { return socket }
            _ = clinux_close(socket)
        }
        return nil
    }
}
