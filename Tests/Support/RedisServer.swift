// RedisServer: a redis-server of a test's own, which the test may stop, freeze and start again.
//
// Suites that use it are enabled where CONTOSO_TEST_REDIS is set; that is also the server for tests
// that break nothing.

import Glibc
import Loop

public final class RedisServer {
    /// The shared server's URL; nil where tests with real servers are off.
    public static let sharedURL = getenv("CONTOSO_TEST_REDIS").map { String(cString: $0) }

    public let port: UInt16
    public let directory: String
    private let arguments: [String]
    private var process: pid_t = 0

    public var address: String { "127.0.0.1:\(port)" }
    public var logFile: String { directory + "/log" }

    /// Starts the server and waits until it answers.
    ///
    /// - Parameters:
    ///   - arguments: added to the command line, like `--requirepass x`.
    ///   - user: a user besides the default one, as in an ACL file.
    public init(_ arguments: [String] = [], user: String? = nil) throws {
        port = Self.freePort()
        var template = Array("/tmp/contoso-redis-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ClientError(description: "mkdtemp failed") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        self.arguments =
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory, "--save", "",
                "--appendonly", "no", "--logfile", directory + "/log",
            ] + arguments
            // Word by word: redis-server would take the whole rule for a name.
            + (user.map { ["--user"] + $0.split(separator: " ").map(String.init) } ?? [])
        try start()
    }

    /// Starts a sentinel; it writes into its configuration file.
    public static func sentinel(
        configuration: String, _ line: String
    ) throws -> RedisServer {
        guard let file = fopen(configuration, "w") else {
            throw ClientError(description: "cannot write \(configuration)")
        }
        fputs(line + "\n", file)
        fclose(file)
        return try RedisServer(sentinel: configuration)
    }

    private init(sentinel configuration: String) throws {
        port = Self.freePort()
        directory = configuration + ".d"
        guard mkdir(directory, 0o700) == 0 else { throw ClientError(description: "mkdir failed") }
        arguments = [
            configuration, "--sentinel", "--port", "\(port)", "--bind", "127.0.0.1",
            "--dir", directory, "--logfile", directory + "/log",
        ]
        try start()
    }

    deinit {
        stop()
        _ = system("rm -r \(directory)")
    }

    public func start() throws {
        precondition(process == 0)
        process = try Self.spawn("redis-server", arguments)
        for _ in 0..<2000 {
            // Not there yet: that is what this loop waits for.
            if let answer = try? run("PING"), !answer.isEmpty { return }
            usleep(5000)
        }
        throw ClientError(description: "redis-server on \(address) does not answer; see \(logFile)")
    }

    /// Like `kill -9`; returns when the process is gone.
    public func stop() {
        guard process != 0 else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        process = 0
    }

    /// The server keeps its connections and answers nothing.
    public func freeze() { kill(process, SIGSTOP) }

    public func thaw() { kill(process, SIGCONT) }

    /// Sends one command line on a connection of its own and returns the first piece of the answer.
    @discardableResult public func run(_ lines: String...) throws -> String {
        let client = try BlockingClient(to: address)
        var answer = ""
        for line in lines {
            try client.send(line + "\r\n")
            answer = String(decoding: try client.receive(), as: UTF8.self)
        }
        return answer
    }

    /// A port nobody listens on at this moment.
    public static func freePort() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
                getsockname(descriptor, $0, &length)
            }
            return UInt16(bigEndian: $0.pointee.sin_port)
        }
    }

    private static func spawn(_ program: String, _ arguments: [String]) throws -> pid_t {
        var process: pid_t = 0
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let result = posix_spawnp(&process, program, nil, nil, words, environ)
        guard result == 0 else {
            throw ClientError(description: "cannot start \(program): errno \(result)")
        }
        return process
    }
}
