// HTTPServer: what all HTTP connections of one loop share.
//
//   listener ─▶ makeHandler ─▶ HTTPConnection ─▶ router ─▶ handler ─┐
//                                   ▲                               │ respond, any thread
//                                   └──────── reply mailbox ◀───────┘
//
// Thread: one loop.  Allocates: in init, and a connection's handler.

import Loop
import Synchronization

/// What a server is told from outside; the same for every loop.
public struct HTTPConfiguration: Sendable {
    public var limits = HTTPLimits()
    /// What stands in front of us.
    public var ingress = Ingress()
    /// Policies by path prefix; the first that fits counts.
    public var corsPolicies: [(prefix: String, policy: CORSPolicy)] = []
    /// One log line per answer, without the query.
    public var logsAccess = false
    /// Requests by address; nil is no limit.
    public var addressRates: RateTable?
    public var tracing = RequestTracing()
    /// The value of Strict-Transport-Security in answers over TLS (RFC 6797 §6.1); nil: none.
    public var strictTransportSecurity: String?

    public init() {}
}

/// What has happened on one loop since its start.
public struct HTTPCounters: Sendable {
    public var requestCount = 0
    /// Answers by the first digit of their status: index 1 is 1xx.
    public var responseCountByClass: [Int] = [0, 0, 0, 0, 0, 0]
    public var refusalCountByReason: [HTTPError: Int] = [:]
    public var upgradeCount = 0
    public var turnedAwayCountByReason: [TurnedAway.Reason: Int] = [:]
    /// Answers whose connection was gone, or whose request had been answered.
    public var droppedReplyCount = 0
}

/// The HTTP side of one loop.
public final class HTTPServer {
    let configuration: HTTPConfiguration
    let router: Router
    let replies: ReplyChannel
    var traces: TraceSource
    private var date = HTTPDate()
    private let time: any TimeSource
    private let replyDesk: ReplyDesk
    private var counted = HTTPCounters()

    /// Counts where the mailbox's receiver can reach it without owning the server.
    private final class ReplyDesk {
        var droppedCount = 0
    }

    /// Called on the loop's thread, before it listens.
    public init(
        reactor: Reactor, router: Router, configuration: HTTPConfiguration = HTTPConfiguration(),
        random: any RandomSource = SystemRandom()
    ) {
        configuration.limits.validate()
        self.configuration = configuration
        self.router = router
        time = reactor.time
        traces = TraceSource(
            seed: random.words128().0, sampler: configuration.tracing.tracer.sampler)
        let desk = ReplyDesk()
        replyDesk = desk
        let mailbox = reactor.makeMailbox(of: Reply.self) { [unowned reactor] reply in
            if let handler = reactor.handler(of: reply.token) as? HTTPConnection,
                let connection = reactor.connection(reply.token),
                handler.deliver(reply, on: connection)
            {
                return
            }
            desk.droppedCount += 1
        }
        replies = ReplyChannel { mailbox.post($0) }
    }

    /// What somebody is told who speaks HTTP without TLS to the port of https; pass it to
    /// `Reactor.listen`.
    public static let plaintextAnswer: StaticString = """
        HTTP/1.1 400 Bad Request\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Length: 42\r
        Connection: close\r
        \r
        This port speaks TLS: write https:// URLs

        """

    /// The handler of a new connection; pass it to `Reactor.listen`.
    public func makeHandler() -> ConnectionHandler { HTTPConnection(server: self) }

    public var counters: HTTPCounters {
        var counters = counted
        counters.droppedReplyCount =
            replyDesk.droppedCount + replies.duplicateCount.load(ordering: .relaxed)
        return counters
    }

    var dateBytes: [UInt8] { date.bytes(at: time.wallNow) }

    func policy(for request: Request) -> CORSPolicy? {
        configuration.corsPolicies.first { request.isBelow($0.prefix) }?.policy
    }

    // MARK: Turning away

    /// What becomes of a request: its match, unless there is no time for it or it comes too often.
    func admit(_ match: Router.Match, _ request: Request, _ pressure: LoopPressure) -> Router.Match
    {
        let urgency = match.urgency
        if urgency == .deferrable, pressure >= .shedding { return turnAway(.late) }
        if urgency != .vital, let rates = configuration.addressRates,
            !configuration.ingress.proxies.contains(request.client.ip),
            let wait = rates.take(request.client.ip.customer)
        {
            return turnAway(.tooMany(wait: wait))
        }
        return match
    }

    private func turnAway(_ reason: TurnedAway) -> Router.Match {
        counted.turnedAwayCountByReason[reason.reason, default: 0] += 1
        return .turnedAway(reason)
    }

    /// What a listener without TLS says to connections that it refuses.
    public static let refusal = Array(
        ("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
            + "Connection: close\r\n\r\n").utf8)

    // MARK: Counting

    func countRequest() { counted.requestCount += 1 }

    func countUpgrade() {
        counted.upgradeCount += 1
        counted.responseCountByClass[1] += 1
    }

    func count(_ status: HTTPStatus) { counted.responseCountByClass[status.rawValue / 100] += 1 }

    func count(_ error: HTTPError) { counted.refusalCountByReason[error, default: 0] += 1 }
}
