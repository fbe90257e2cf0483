// MetricsServer: GET /metrics on a listener of its own.
//
// Nothing else is served there and nobody is asked for a token, so the address decides who may see
// the figures: none by default, and never the address that strangers reach. A thread of its own
// answers, because a scrape has to work most of all when the loops are busy.
//
// Thread: started and stopped by main; its loop serves.  Allocates: per scrape.

import Loop
import WS

final class MetricsServer {
    /// Scrapers, a person with a browser, and room for connections they have forgotten.
    private static let connectionCountMax = 64

    private let group = LoopGroup()
    /// `127.0.0.1:9464`, as bound.
    let address: String

    /// - Parameter patience: how long a scrape waits for a loop or a database.
    init(
        _ listen: ListenAddress, _ sources: MetricsSources,
        patience: Duration = MetricsDesk.patience
    ) throws {
        try Reactor.checkPortIsFree(host: listen.host, port: listen.port)
        var limits = Limits()
        limits.connectionCountMax = Self.connectionCountMax
        let bound = Monitor("")
        try group.start(count: 1, name: "metrics", limits: limits) { reactor, _ in
            let desk = MetricsDesk(sources, on: reactor, patience: patience)
            let server = HTTPServer(reactor: reactor, router: Self.router(to: desk))
            let address = try reactor.listen(
                host: listen.host, port: listen.port, identity: nil
            ) { _ in server.makeHandler() }
            bound.update { $0 = address }
        }
        address = bound.withLock { $0 }
    }

    private static func router(to desk: MetricsDesk) -> Router {
        var router = Router()
        router.on(.get, "/metrics") { request, _, responder in
            desk.scrape(accept: request.header(.accept), responder)
        }
        return router
    }

    /// Cuts what is open.
    func stop() { group.stop() }
}
