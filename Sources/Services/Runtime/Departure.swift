// Departure: how a server leaves without anybody noticing.
//
//   not ready, HTTP without keep-alive ─ drain.delay ─▶ no more accepted, consumers parked
//     ─▶ HTTP: requests in flight are answered     ─┐
//     ─▶ hubs: closed at a pace, idle ones first   ─┴─ drain.period at most ─▶ what is left is cut
//
// Nothing is lost by what is cut: it is only told later. Readiness comes first and by itself, because
// load balancers need some time to learn of it and send clients until then.
//
// Thread: main.  Allocates: log lines.

import Hub
import Loop

struct Departure {
    let readiness: Readiness
    let loops: LoopGroup
    let roles: RoleThreads
    /// Nil without a hub.
    let hub: HubDrain?
    let delay: Duration
    let period: Duration

    private static let reportInterval: Duration = .seconds(1)
    private let log = Log("drain")
    private let time: any TimeSource = SystemTime()

    /// Returns when every connection is closed, or after delay and period.
    func run() {
        log.info("shutting down", [.integer("delay_ms", delay.milliseconds)])
        readiness.beginDraining()
        loops.enterLameDuck()
        wait(delay)
        CrashPoint.reach(.drainMiddle)
        roles.park()
        let begin = time.monotonicNow
        let connectionCount = loops.beginDrain()
        logBegin(connectionCount)
        let left = connectionCount == 0 ? 0 : waitUntilDrained(since: begin)
        logEnd(connectionCount, left: left, after: begin.duration(to: time.monotonicNow))
    }

    private func wait(_ duration: Duration) {
        _ = Monitor(()).wait(atMost: duration) { _ -> Void? in nil }
    }

    /// - Returns: how many connections are open at the end of the period.
    private func waitUntilDrained(since begin: MonotonicInstant) -> Int {
        let end = begin.advanced(by: period)
        while true {
            let rest = time.monotonicNow.duration(to: end)
            let left = loops.waitUntilDrained(atMost: max(.zero, min(rest, Self.reportInterval)))
            if left == 0 || rest <= .zero { return left }
            logProgress(left)
        }
    }

    private func logBegin(_ connectionCount: Int) {
        guard let hub = hub?.progress else {
            return log.info("drain begins", [.integer("connections", connectionCount)])
        }
        log.info(
            "drain begins",
            [
                .integer("connections", connectionCount),
                .integer("hub_connections", hub.count),
                .integer("rate_per_second", hub.rate),
                .integer("period_ms", period.milliseconds),
            ])
        guard !hub.isEnough else { return }
        log.warning(
            "drain.rate is too low for drain.period: the last ones will be closed at once",
            [.integer("hub_connections", hub.count), .integer("rate_per_second", hub.rate)])
    }

    private func logProgress(_ left: Int) {
        let hub = hub?.progress ?? HubDrain.Progress()
        log.info(
            "draining",
            [
                .integer("connections_left", left), .integer("hub_closed", hub.closedCount),
                .integer("hub_left", hub.leftCount),
            ])
    }

    private func logEnd(_ connectionCount: Int, left: Int, after time: Duration) {
        let hub = hub?.progress ?? HubDrain.Progress()
        log.info(
            "drain ended",
            [
                .integer("closed", connectionCount - left), .integer("hub_closed", hub.closedCount),
                .integer("hub_cut", hub.cutCount), .integer("took_ms", time.milliseconds),
            ])
        if left > 0 {
            log.warning(
                "connections cut at the end of the drain period", [.integer("connections", left)])
        }
    }
}
