// MetricsSources: everything of this process that has figures; they are read when somebody scrapes.
//
// Thread: made by main, read by the metrics' loop.  Allocates: per scrape.

import Hub
import Loop

struct MetricsSources: Sendable {
    let loops: LoopProbes
    let stored: StoredFiguresReader
    let orders: OrderCounters
    let workers: WorkerPool
    let readiness: Readiness
    /// Nil without the accept role.
    let acceptQueue: AcceptQueue?
    /// Nil without a hub.
    let drain: HubDrain?
    /// Nil without a backplane between pods.
    let backplane: BackplaneCounters?
    /// Nil without a TLS listener.
    let identity: TLSIdentity?
    /// What this process's roles depend on, each once.
    let links: [LinkStatus]
}
