import Loop
import TestSupport
import Testing

@testable import Services

@Suite("MissedNotifications") struct MissedNotificationsTests {
    private let clock = FakeClock()
    private let store: FaultyStore
    private let notifier = FakeNotifier()
    private let counters = OrderCounters()

    init() throws { store = FaultyStore(SQLiteOrderStore(database: try memoryDatabase())) }

    private func make(lookBack: Duration = .seconds(60), perQuery: Int = 256) -> MissedNotifications
    {
        var limits = MissedNotifications.Limits()
        limits.lookBack = lookBack
        limits.userCountPerQuery = perQuery
        return MissedNotifications(
            store: store, notifier: notifier, limits: limits, counters: counters)
    }

    /// Completes order `number` of the user at the clock's time.
    private func complete(_ number: UInt64, of user: String) throws {
        let request = AcceptRequest.sample(number, user: user)
        _ = try store.accept([request])
        let event = OrderAccepted(
            correlation: .numbered(number), user: user, lines: request.lines)
        _ = try store.complete([event], at: clock.wallNow)
    }

    private var toldUsers: [String] { notifier.pushesHere.map(\.user) }

    @Test func `users with a connection here are told of what was completed since the gap began`()
        throws
    {
        let missed = make()
        try complete(1, of: "early")
        clock.advance(by: .seconds(61))
        let since = clock.wallNow
        try complete(2, of: "here")
        try complete(3, of: "elsewhere")

        missed.add(since: since, users: ["early", "here"])
        #expect(missed.step(wait: .zero) == .worked(2))

        #expect(toldUsers == ["here"])
        #expect(notifier.pushesHere.first?.event.correlation == .numbered(2))
        #expect(notifier.pushes.isEmpty)
        #expect(counters.replayed.value == 1)
        #expect(missed.step(wait: .zero) == .idle)
    }

    @Test func `an order completed a little before the gap is told as well`() throws {
        try complete(1, of: "a")
        clock.advance(by: .seconds(60))

        let missed = make(lookBack: .seconds(60))
        missed.add(since: clock.wallNow, users: ["a"])
        _ = missed.step(wait: .zero)

        #expect(toldUsers == ["a"])
    }

    @Test func `many users are asked about in several queries`() throws {
        for number: UInt64 in 1...5 { try complete(number, of: "user-\(number)") }

        let missed = make(perQuery: 2)
        missed.add(since: clock.wallNow, users: (1...5).map { "user-\($0)" })
        let outcomes = (0..<4).map { _ in missed.step(wait: .zero) }

        #expect(outcomes == [.worked(2), .worked(2), .worked(1), .idle])
        #expect(toldUsers == (1...5).map { "user-\($0)" })
    }

    @Test func `a store that is away delays the search and loses nobody`() throws {
        try complete(1, of: "a")
        let missed = make()
        missed.add(since: clock.wallNow, users: ["a"])

        store.failNext(1, with: .unavailable("away"))
        guard case .paused = missed.step(wait: .zero) else {
            Issue.record("the failed query must pause")
            return
        }
        #expect(missed.step(wait: .zero) == .worked(1))
        #expect(toldUsers == ["a"])
    }

    @Test func `two gaps are searched one after the other`() throws {
        try complete(1, of: "a")
        try complete(2, of: "b")
        let missed = make()

        missed.add(since: clock.wallNow, users: ["a"])
        missed.add(since: clock.wallNow, users: ["b"])
        while case .worked = missed.step(wait: .zero) {}

        #expect(toldUsers == ["a", "b"])
    }
}
