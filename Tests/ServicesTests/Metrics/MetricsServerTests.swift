import Hub
import Loop
import Testing
import TestSupport
import WS

@testable import Services

@Suite("MetricsServer") struct MetricsServerTests {
    /// One loop that is asked, and the server that asks.
    private final class Scene {
        let sources: MetricsSources
        let server: MetricsServer
        private let group = LoopGroup()
        /// What the asked loop shall do next to its work.
        private let jobs = Monitor<Mailbox<@Sendable () -> Void>?>(nil)

        init(patience: Duration = .seconds(30)) throws {
            let sources = try MetricsSources.forTests(backplane: nil)
            self.sources = sources
            try group.start(count: 1, limits: Limits()) { [jobs] reactor, number in
                let http = HTTPServer(reactor: reactor, router: Router())
                sources.loops.add(reactor, number: number, http: http, hub: nil)
                jobs.update { $0 = reactor.makeMailbox { $0() } }
            }
            server = try MetricsServer(
                ListenAddress(host: "127.0.0.1", port: 0), sources, patience: patience)
        }

        deinit {
            server.stop()
            sources.workers.close()
            group.stop()
        }

        func onLoop(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0 }?.post(job) }

        /// The whole answer.
        func get(_ target: String, _ method: String = "GET", accept: String = "*/*") throws
            -> String
        {
            let client = try BlockingClient(to: server.address)
            try client.send(
                "\(method) \(target) HTTP/1.1\r\nHost: t\r\nAccept: \(accept)\r\n"
                    + "Connection: close\r\n\r\n")
            return String(decoding: try client.receiveToEnd(), as: UTF8.self)
        }
    }

    @Test func `a scrape has the figures of the loop, the store and the process`() throws {
        let scene = try Scene()
        scene.sources.orders.accepted.add(3)

        let answer = try scene.get("/metrics")

        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        for line in [
            "contoso_orders_accepted_total 3", #"contoso_connections{loop="0"} 0"#,
            "contoso_outbox_events 0", "contoso_scrape_loops 1", "process_threads ",
            #"contoso_queue_messages{queue="order.accepted.dlq"} 0"#,
        ] {
            #expect(answer.contains("\n" + line), "\(line) is missing")
        }
    }

    @Test func `OpenMetrics is answered to those who ask for it`() throws {
        let answer = try Scene().get("/metrics", accept: "application/openmetrics-text")
        #expect(answer.contains("Content-Type: application/openmetrics-text; version=1.0.0"))
        #expect(answer.hasSuffix("# EOF\n"))
    }

    @Test(arguments: [
        ("/", "GET", "404"), ("/health/live", "GET", "404"), ("/metrics", "POST", "405"),
    ])
    func `nothing else is served`(target: String, method: String, status: String) throws {
        #expect(try Scene().get(target, method).hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func `a loop that hangs costs its own figures and no others`() throws {
        let scene = try Scene(patience: .milliseconds(50))
        enum Phase { case idle, hanging, released }
        let phase = Monitor(Phase.idle)
        scene.onLoop {
            phase.update { $0 = .hanging }
            _ = phase.wait { $0 == .released ? true : nil }
        }
        _ = phase.wait { $0 == .hanging ? true : nil }
        defer { phase.update { $0 = .released } }

        let answer = try scene.get("/metrics")

        #expect(answer.contains("\ncontoso_scrape_loops 0\n"))
        #expect(!answer.contains("\ncontoso_connections{"))
        #expect(answer.contains("\ncontoso_orders_accepted_total 0\n"))
    }

    @Test func `scrapes that come together are all answered`() throws {
        let scene = try Scene()
        let clients = try (0..<16).map { _ in try BlockingClient(to: scene.server.address) }
        for client in clients {
            try client.send("GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        }
        for client in clients {
            let answer = String(decoding: try client.receiveToEnd(), as: UTF8.self)
            #expect(answer.contains("\ncontoso_scrape_loops 1\n"))
        }
    }

    @Test func `a taken port is refused with a text that names it`() throws {
        let scene = try Scene()
        let port = try #require(
            scene.server.address.split(separator: ":").last.flatMap { UInt16($0) })
        #expect(throws: ListenError.self) {
            try MetricsServer(ListenAddress(host: "127.0.0.1", port: port), scene.sources)
        }
    }
}

extension TLSIdentity {
    fileprivate static func forTests() throws -> TLSIdentity {
        let certificate = try TestCertificate()
        return try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
    }
}

extension MetricsSources {
    /// Of a process with embedded engines in memory.
    static func forTests(backplane: BackplaneCounters?) throws -> MetricsSources {
        let database = try memoryDatabase()
        let store = SQLiteOrderStore(database: database)
        let workers = WorkerPool(threadCount: 1, queueCountMax: 8)
        let orders = OrderCounters()
        let accept = AcceptOrder(
            store: store, state: FakeWorkflowState(), relay: WakeSignal(), counters: orders)
        return MetricsSources(
            loops: LoopProbes(),
            stored: StoredFiguresReader(
                store: store, bus: EmbeddedBus(database: database), queues: QueueNames(),
                roles: Set(ServiceRole.allCases), workers: workers),
            orders: orders, workers: workers,
            readiness: Readiness(drainingFile: "/nonexistent/draining"),
            acceptQueue: AcceptQueue(acceptOrder: accept, counters: orders),
            drain: HubServer(methods: HubMethods()).drain, backplane: backplane,
            identity: backplane == nil ? nil : try TLSIdentity.forTests(),
            links: [LinkStatus(name: "postgres")])
    }
}
