// hub-server: a SignalR server with hubs for conformance suites, for load and for learning.
//
//   POST /hub/negotiate, GET /hub, …      every hub of ExampleHubs on its own path
//
// Thread: main starts the loops and waits for a signal.  Exit codes: 0 after SIGTERM or SIGINT,
// 1 if it cannot listen, 2 for a wrong command line.

import Glibc
import Hub
import Loop
import WS

@main enum Main {
    /// How long connections may take to end after a signal.
    private static let drainTimeout: Duration = .seconds(5)
    /// How long Redis may take before the pod serves without it.
    private static let backplaneTimeout: Duration = .seconds(10)

    static func main() {
        do {
            guard let options = try ServerOptions.parse(CommandLine.arguments.dropFirst()) else {
                print(ServerOptions.help)
                return
            }
            try serve(options)
        } catch let error as UsageError {
            fail("\(error.description); try --help", code: 2)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func serve(_ options: ServerOptions) throws {
        ProcessSetup.blockSignals()
        _ = try ProcessSetup.raiseDescriptorLimit()
        if options.port != 0 {
            try Reactor.checkPortIsFree(host: options.host, port: options.port)
        }
        let group = LoopGroup()
        let bound = Monitor<String?>(nil)
        let hubs = Monitor<[MountedHub]>([])
        try group.start(count: options.threadCount, limits: options.limits) { reactor, number in
            // The first loop keeps the connections to Redis.
            if number == 0 {
                let made = try ExampleHubs.make(options, on: reactor)
                hubs.update { $0 = made }
            }
            let server = HTTPServer(
                reactor: reactor, router: router(hubs.update { $0 }, reactor),
                configuration: options.http)
            // The first loop settles the port, the others share it.
            let port = bound.update { $0.flatMap(portNumber) } ?? options.port
            let address = try reactor.listen(host: options.host, port: port, identity: nil) { _ in
                server.makeHandler()
            }
            bound.update { $0 = address }
        }
        if waitForBackplane(of: hubs.update { $0 }) {
            print("hub-server listening on http://" + (bound.update { $0 } ?? ""))
            fflush(nil)
            while let signal = ProcessSetup.nextSignal(), signal == .hangUp {}
        }
        _ = group.drain(atMost: drainTimeout)
        group.stop()
    }

    /// Called on each loop's thread.
    private static func router(_ hubs: [MountedHub], _ reactor: Reactor) -> Router {
        var router = Router()
        for hub in hubs {
            let access = hub.access
            let loop = HubLoop(server: hub.server, reactor: reactor)
            HubEndpoint(loop: loop) { access.authenticate($0) }
                .mount(on: &router, paths: [hub.path])
        }
        return router
    }

    /// False if a signal has come first.
    private static func waitForBackplane(of hubs: [MountedHub]) -> Bool {
        let time = SystemTime()
        let deadline = time.monotonicNow.advanced(by: backplaneTimeout)
        while !hubs.allSatisfy(\.server.backplane.isAvailable), time.monotonicNow < deadline {
            let signal = ProcessSetup.nextSignal(atMost: .milliseconds(10))
            if let signal, signal != .hangUp { return false }
        }
        return true
    }

    /// The port of "127.0.0.1:8080" or "[::1]:8080".
    private static func portNumber(_ address: String) -> UInt16? {
        address.split(separator: ":").last.flatMap { UInt16($0) }
    }

    private static func fail(_ text: String, code: Int32) {
        let line = Array("hub-server: \(text)\n".utf8)
        // Standard error that cannot be written leaves nobody to tell.
        _ = write(STDERR_FILENO, line, line.count)
        exit(code)
    }
}
