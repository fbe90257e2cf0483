// echo-server: WebSocket and HTTP echo on Loop and WS alone, for conformance suites and benchmarks.
//
//   GET /           a short text          POST /echo     the body
//   WebSocket /…    every message
//
// Thread: main starts the loops and waits for a signal.  Exit codes: 0 after SIGTERM or SIGINT,
// 1 if it cannot listen, 2 for a wrong command line, 78 for a certificate that cannot be used.

import Glibc
import Loop
import WS

@main enum Main {
    /// How long connections may take to end after a signal.
    private static let drainTimeout: Duration = .seconds(5)
    /// A path with more segments is not echoed over WebSocket.
    private static let pathSegmentCountMax = 4

    static func main() {
        do {
            guard let options = try EchoOptions.parse(CommandLine.arguments.dropFirst()) else {
                print(EchoOptions.help)
                return
            }
            try serve(options)
        } catch let error as UsageError {
            fail("\(error.description); try --help", code: 2)
        } catch let error as TLSConfigurationError {
            fail(error.description, code: 78)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func serve(_ options: EchoOptions) throws {
        ProcessSetup.blockSignals()
        _ = try ProcessSetup.raiseDescriptorLimit()
        let identity = try options.tls.map { files in
            try TLSIdentity(certificateFile: files.certificateFile, keyFile: files.keyFile)
        }
        if options.port != 0 {
            try Reactor.checkPortIsFree(host: options.host, port: options.port)
        }
        let group = LoopGroup()
        let bound = Monitor<String?>(nil)
        let host = options.host
        let settings = Settings(options)
        let wantedPort = options.port
        try group.start(count: options.threadCount, limits: Limits()) { reactor, _ in
            let server = HTTPServer(
                reactor: reactor, router: router(settings), configuration: settings.http)
            // The first loop settles the port, the others share it.
            let port = bound.update { $0.flatMap(portNumber) } ?? wantedPort
            let address = try reactor.listen(
                host: host, port: port, identity: identity,
                plaintextAnswer: HTTPServer.plaintextAnswer
            ) { _ in server.makeHandler() }
            bound.update { $0 = address }
        }
        print(
            "echo-server listening on \(identity == nil ? "http" : "https")://"
                + (bound.update { $0 } ?? ""))
        fflush(nil)
        while let signal = ProcessSetup.nextSignal() {
            guard signal == .hangUp else { break }
            // A certificate that cannot be read leaves the old one in use; the file's owner sees why.
            do { try identity?.reload() } catch { complain("\(error)") }
        }
        _ = group.drain(atMost: drainTimeout)
        group.stop()
    }

    /// What crosses to the loops' threads.
    private struct Settings: Sendable {
        var http = HTTPConfiguration()
        var webSocket = WSLimits()
        var compression: WSCompression
        let silenceMax: Duration

        init(_ options: EchoOptions) {
            http.limits.bodyByteCountMax = options.bodyByteCountMax
            webSocket.messageByteCountMax = options.messageByteCountMax
            compression = options.compression
            silenceMax = options.silenceMax
        }
    }

    /// Called on each loop's thread.
    private static func router(_ settings: Settings) -> Router {
        let deflate = MessageDeflate(settings.compression)
        var router = Router()
        router.on(.get, "/") { _, _, responder in
            responder.respond(.text("Send a WebSocket message, or POST to /echo.\n"))
        }
        router.on(.post, "/echo") { request, _, responder in
            var response = Response(.ok, body: request.body)
            if let type = request.header(.contentType) { response.add("Content-Type", type) }
            responder.respond(response)
        }
        var path = ""
        for depth in 0...pathSegmentCountMax {
            router.upgrade(path.isEmpty ? "/" : path) { request in
                .webSocket(request, deflate: deflate) { agreement in
                    EchoConnection(
                        limits: settings.webSocket, deflate: agreement,
                        silenceMax: settings.silenceMax)
                }
            }
            path += "/{segment\(depth)}"
        }
        return router
    }

    /// The port of "127.0.0.1:8080" or "[::1]:8080".
    private static func portNumber(_ address: String) -> UInt16? {
        address.split(separator: ":").last.flatMap { UInt16($0) }
    }

    private static func complain(_ text: String) {
        let line = Array("echo-server: \(text)\n".utf8)
        // Standard error that cannot be written leaves nobody to tell.
        _ = write(STDERR_FILENO, line, line.count)
    }

    private static func fail(_ text: String, code: Int32) {
        complain(text)
        exit(code)
    }
}
