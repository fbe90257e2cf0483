// Rig: the servers bench starts when nobody names one.
//
//   certificate ─▶ redis (if broadcasts need it) ─▶ pods, or echo-server ─▶ floor (--floor)
//        each on a free port of 127.0.0.1, its files in one scratch directory, stopped at the end
//
// Thread: the coordinator's.  Allocates: freely.

import Glibc
import Hub
import Loop
import WS

final class Rig {
    struct Needs {
        var podCount: Int
        /// The raw echo server in place of pods.
        var isEcho = false
        var hasRedis: Bool
        var isPlain: Bool
        var hasFloor: Bool
        /// All roles in one pod, on the embedded engines.
        var hasOrders = false
        /// Of the whole run.
        var connectionCount: Int
        /// For the servers; nil: any.
        var cores: String?
    }

    /// Servers of one kind, with where they listen.
    struct Place {
        var urls: [TargetURL] = []
        var servers: [WatchedServer] = []
    }

    static let issuer = "bench"
    static let audience = "bench"

    private(set) var pods = Place()
    private(set) var floor = Place()
    private(set) var redisPort: UInt16?
    /// What signs the clients' tokens.
    let secret: String
    /// PEM, of the pods and of the floor.
    var certificateFile: String { scratch.file("cert.pem") }

    private let needs: Needs
    private let scratch: ScratchDirectory
    private var started: [StartedServer] = []
    private let say: (String) -> Void

    /// - Parameter say: called with a line for each thing started.
    init(_ needs: Needs, say: @escaping (String) -> Void) throws(BenchError) {
        self.needs = needs
        self.say = say
        secret = Base64URL.encode(SystemRandom().bytes(32))
        scratch = try ScratchDirectory()
        do throws(BenchError) {
            try start()
        } catch {
            stop()
            throw error
        }
    }

    private func start() throws(BenchError) {
        if !needs.isPlain { try makeCertificate() }
        if needs.hasRedis { try startRedis() }
        if needs.isEcho {
            try startEchoServer()
        } else {
            for number in 0..<needs.podCount { try startPod(number) }
        }
        if needs.hasFloor { try startFloor() }
    }

    func stop() {
        // The other way round: pods let go of Redis before it goes.
        for server in started.reversed() { server.stop() }
        started = []
    }

    // MARK: Each of them

    private func binary(_ name: String) throws(BenchError) -> String {
        let path = "\(Repository.binaryDirectory)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw BenchError(
                description: "there is no \(name) beside bench; "
                    + "swift build -c release --product \(name) makes it")
        }
        return path
    }

    /// - Returns: the rest of the line that says it listens.
    private func launch(
        _ name: String, _ executable: String, _ arguments: [String],
        environment: [(name: String, value: String)] = [], ready: String
    ) throws(BenchError) -> (server: StartedServer, line: String) {
        let server = try StartedServer(
            name: name, executable: executable, arguments: arguments, environment: environment,
            cores: needs.cores, in: scratch)
        started.append(server)
        let line = try server.line(after: ready)
        return (server, line)
    }

    /// P-256, self-signed, for 127.0.0.1: what a handshake costs depends on the key.
    private func makeCertificate() throws(BenchError) {
        let openssl = try ChildProcess(
            name: "openssl", executable: "openssl",
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", scratch.file("key.pem"),
                "-out", certificateFile,
            ], output: .file("/dev/null"), error: .file(scratch.file("openssl.err")))
        while openssl.exitCode() == nil { usleep(5000) }
        guard openssl.exitCode() == 0 else {
            throw BenchError(
                description: "openssl made no certificate; install openssl, or give --plain")
        }
    }

    private func startRedis() throws(BenchError) {
        let port = try Self.freePort()
        let (server, _) = try launch(
            "redis", "redis-server",
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", scratch.path,
            ], ready: "Ready to accept connections")
        redisPort = port
        say("redis     127.0.0.1:\(port)  pid \(server.process)")
    }

    private func startPod(_ number: Int) throws(BenchError) {
        let name = "pod-\(number + 1)"
        let metricsPort = try Self.freePort()
        let perPod = needs.connectionCount / needs.podCount + 1
        var arguments = [
            "serve", "--threads", "1", "--data", scratch.file(name), "--http", "127.0.0.1:0",
            "--jwt-issuer", Self.issuer, "--jwt-audience", Self.audience, "--log-level", "warning",
            "--drain-delay", "0s", "--drain-period", "1s", "--drain-file",
            scratch.file("\(name).drain"),
            "--metrics-listen", "127.0.0.1:\(metricsPort)",
            // Negotiations have connections of their own, and some may be on their way.
            "--limits-connections", "\(perPod + perPod / 8 + 512)",
        ]
        if !needs.hasOrders { arguments += ["--roles", "notification"] }
        if needs.isPlain {
            arguments += ["--https", "none"]
        } else {
            arguments += [
                "--https", "127.0.0.1:0", "--cert", certificateFile, "--key",
                scratch.file("key.pem"),
            ]
        }
        if let redisPort { arguments += ["--state", "redis://127.0.0.1:\(redisPort)"] }
        let (server, line) = try launch(
            name, try binary("contoso"), arguments,
            environment: [(name: "CONTOSO_JWT__SIGNING_KEY", value: secret)],
            ready: "contoso is ready: ")
        let urls = line.split(separator: " ").compactMap { try? TargetURL(String($0)) }
        guard let plain = urls.first(where: { !$0.http.origin.isEncrypted }),
            let url = urls.first(where: { $0.http.origin.isEncrypted != needs.isPlain })
        else { throw BenchError(description: "\(name) listens on \(line), which is not asked for") }
        try waitUntilReady(name, plain)
        pods.urls.append(url)
        pods.servers.append(
            WatchedServer(name: name, process: server.process, metricsPort: metricsPort))
        say("\(name)     \(url)  pid \(server.process)")
    }

    private func waitUntilReady(_ name: String, _ url: TargetURL) throws(BenchError) {
        let origin = url.http.origin
        for _ in 0..<500 {
            if BlockingRequest.status(origin.host, origin.port, "/health/ready") == 200 { return }
            usleep(20_000)
        }
        throw BenchError(description: "\(name) does not become ready within 10 s")
    }

    private func startEchoServer() throws(BenchError) {
        pods = try startSimple("echo-server", needs.isPlain ? [] : ["--tls", "--cert"], ["--key"])
    }

    private func startFloor() throws(BenchError) {
        var more: [String] = []
        if let redisPort { more = ["--redis", "127.0.0.1:\(redisPort)"] }
        floor = try startSimple("floor", needs.isPlain ? [] : ["--tls"], [], more)
    }

    /// Servers that print `NAME listening on URL`.
    private func startSimple(
        _ name: String, _ beforeCertificate: [String], _ beforeKey: [String], _ more: [String] = []
    ) throws(BenchError) -> Place {
        var arguments = ["--port", "0"]
        if !needs.isPlain {
            arguments += beforeCertificate + [certificateFile] + beforeKey
            arguments.append(scratch.file("key.pem"))
        }
        let (server, line) = try launch(
            name, try binary(name), arguments + more, ready: "\(name) listening on ")
        guard let url = try? TargetURL(line) else {
            throw BenchError(description: "\(name) listens on \(line), which is no URL")
        }
        say("\(name)  \(url)  pid \(server.process)")
        return Place(
            urls: [url], servers: [WatchedServer(name: name, process: server.process)])
    }

    /// A port of 127.0.0.1 on which nobody listens now.
    private static func freePort() throws(BenchError) -> UInt16 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, count) == 0 && getsockname(descriptor, name, &count) == 0
            }
        }
        guard isBound else { throw BenchError(description: "127.0.0.1 has no free port") }
        return UInt16(bigEndian: name.sin_port)
    }
}
