// OrderWorkload: posts orders, and waits for each to come back as a push.
//
//   due ─▶ a free poster, or the row ─▶ POST ─▶ 201 with the correlation id ─┐
//                                                push with the same id ──────┴▶ latency
//
// The push may overtake the answer of its POST: they travel on different connections.
//
// Thread: one loop.  Allocates: per order.

import CLinux
import Loop
import Measure
import WS

final class OrderWorkload: Workload {
    private let ratePerSecond: Double
    private let latencies = Histogram()
    private let postLatencies = Histogram()
    private let lateness = Histogram()
    private var tally = Tally()
    private var pacer: Pacer?

    private var idle: [OrderPoster] = []
    private var posterCount = 0
    private var waiting: [(due: UInt64, client: Int)] = []
    private var nextClient = 0
    /// Intended times of orders that the server has taken.
    private var taken: [OrderID: UInt64] = [:]
    /// Receipts of pushes whose orders are not answered yet.
    private var early: [OrderID: [UInt64]] = [:]
    /// Orders that have come back at least once.
    private var returned: Set<OrderID> = []

    /// Connections for POSTs; a browser would have one per user.
    private static let posterCountMax = 64
    /// A product of the catalogue every server of this kind is seeded with.
    private static let body = Array(#"{"items":[{"productId":"AZ-900","quantity":1}]}"#.utf8)

    init(_ loop: ClientLoop, ratePerSecond: Double) {
        self.ratePerSecond = ratePerSecond
        super.init(loop)
    }

    override func begin(at start: UInt64) {
        let schedule = OpenLoop(
            startNanoseconds: max(start, clinux_monotonic_ns()), ratePerSecond: ratePerSecond)
        pacer = Pacer(loop.reactor, schedule) { [unowned self] _, due in post(dueAt: due) }
    }

    override func rest() { pacer?.stop() }

    // MARK: Posting

    private func post(dueAt due: UInt64) {
        let client = nextClient
        nextClient = (nextClient + 1) % loop.setup.clientCount
        post(dueAt: due, of: client)
    }

    private func post(dueAt due: UInt64, of client: Int) {
        guard let poster = freePoster(client) else { return waiting.append((due, client)) }
        begin(poster, due, client)
    }

    private func freePoster(_ client: Int) -> OrderPoster? {
        if let poster = idle.popLast() { return poster }
        guard posterCount < Self.posterCountMax else { return nil }
        posterCount += 1
        return OrderPoster(self, origin: loop.target(of: client).http.origin)
    }

    private func begin(_ poster: OrderPoster, _ due: UInt64, _ client: Int) {
        lateness.record(clinux_monotonic_ns() - due)
        tally.sent += 1
        poster.post(request(of: client, to: poster.origin), dueAt: due, loop)
    }

    private func request(of client: Int, to origin: HTTPOrigin) -> [UInt8] {
        var request = ClientRequest(
            .post, HTTPURL(origin: origin, target: "/api/orders"),
            contentType: "application/json", body: Self.body)
        for header in loop.headers { request.add(header.name, header.value) }
        if let token = loop.tokens.token(of: loop.setup.firstClient + client) {
            request.add("Authorization", "Bearer \(token)")
        }
        return request.bytes
    }

    /// A poster has its answer; nil: there was none that could be used.
    func answered(_ poster: OrderPoster, _ response: ClientResponse?, dueAt due: UInt64) {
        let now = clinux_monotonic_ns()
        if let response, response.status == 201,
            let id = response.body.withUnsafeBytes({ OrderID(in: $0) })
        {
            postLatencies.record(now - due)
            accepted(id, due)
        } else {
            loop.count(error: response.map { "order: status \($0.status)" } ?? "order: no answer")
        }
        if poster.isUsable { idle.append(poster) } else { posterCount -= 1 }
        if !waiting.isEmpty {
            let (due, client) = waiting.removeFirst()
            post(dueAt: due, of: client)
        }
    }

    func posterLost(_ poster: OrderPoster) {
        guard let position = idle.firstIndex(where: { $0 === poster }) else { return }
        idle.remove(at: position)
        posterCount -= 1
    }

    private func accepted(_ id: OrderID, _ due: UInt64) {
        taken[id] = due
        for receipt in early.removeValue(forKey: id) ?? [] { pushed(id, due, at: receipt) }
    }

    private func pushed(_ id: OrderID, _ due: UInt64, at receipt: UInt64) {
        latencies.record(receipt - due)
        returned.insert(id)
        tally.finished += 1
    }

    // MARK: Pushes

    override func received(
        _ message: UnsafeRawBufferPointer, from client: HubClient, _ connection: Connection
    ) {
        let now = clinux_monotonic_ns()
        for record in message.split(separator: HubRecords.separator) {
            guard let id = OrderID(in: UnsafeRawBufferPointer(rebasing: record)) else {
                tally.pings += 1
                continue
            }
            if let due = taken[id] {
                pushed(id, due, at: now)
            } else {
                early[id, default: []].append(now)
            }
        }
    }

    override func end(publishedCount: Int) { tally.lost = taken.count - returned.count }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.add(tally)
        tally = Tally()
        progress.readings.add(.order, latencies)
        progress.readings.add(.post, postLatencies)
        progress.readings.add(.lateness, lateness)
        latencies.reset()
        postLatencies.reset()
        lateness.reset()
    }
}
