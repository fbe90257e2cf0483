import Loop
import Testing
import TestSupport

@testable import Services

@Suite("RoleThread") struct RoleThreadTests {
    /// What a role has been asked.
    private struct Seen: Sendable {
        var stepCount = 0
        var isWoken = false
        var isFinished = false
    }

    /// Waits for ever unless it is woken.
    private final class Sleeper: SteppedRole {
        private let seen: Monitor<Seen>

        init(_ seen: Monitor<Seen>) { self.seen = seen }

        func step(wait: Duration) -> StepOutcome {
            seen.update { $0.stepCount += 1 }
            _ = seen.wait { $0.isWoken ? () : nil }
            return .idle
        }

        var wake: @Sendable () -> Void { { [seen] in seen.update { $0.isWoken = true } } }

        func finish() { seen.update { $0.isFinished = true } }
    }

    /// A dependency of it is away.
    private final class Patient: SteppedRole {
        private let seen: Monitor<Seen>

        init(_ seen: Monitor<Seen>) { self.seen = seen }

        func step(wait: Duration) -> StepOutcome {
            seen.update { $0.stepCount += 1 }
            return .paused(.seconds(600))
        }

        var wake: @Sendable () -> Void { {} }
    }

    @Test func `a stop ends the wait of a step and no other follows`() {
        let seen = Monitor(Seen())
        let thread = RoleThread(name: "sleeper") { Sleeper(seen) }
        thread.start()
        #expect(seen.wait(atMost: .seconds(30)) { $0.stepCount == 1 ? () : nil } != nil)

        thread.stop()
        thread.join()

        let end = seen.withLock { $0 }
        #expect(end.stepCount == 1 && end.isFinished)
    }

    @Test func `a stop ends a pause`() {
        let seen = Monitor(Seen())
        let thread = RoleThread(name: "patient") { Patient(seen) }
        thread.start()
        #expect(seen.wait(atMost: .seconds(30)) { $0.stepCount == 1 ? () : nil } != nil)

        thread.stop()
        thread.join()

        #expect(seen.withLock { $0.stepCount } == 1)
    }

    @Test func `every role ends its wait when it is woken`() throws {
        let database = try memoryDatabase()
        let store = SQLiteOrderStore(database: database)
        let signal = WakeSignal()
        let accept = AcceptOrder(store: store, state: FakeWorkflowState(), relay: signal)
        let roles: [any SteppedRole] = [
            AcceptQueue(acceptOrder: accept),
            MissedNotifications(store: store, notifier: FakeNotifier()),
            OutboxRelay(store: store, bus: EmbeddedBus(database: database), signal: signal),
        ]
        for role in roles {
            role.wake()
            #expect(role.step(wait: .seconds(600)) == .idle)
        }
    }

    @Test func `the relay publishes what was committed last`() throws {
        let database = try memoryDatabase()
        let store = SQLiteOrderStore(database: database)
        let bus = EmbeddedBus(database: database)
        let relay = OutboxRelay(store: store, bus: bus, signal: WakeSignal())
        _ = try store.accept([.sample()])

        relay.finish()

        #expect(try bus.depth(of: "order.accepted") == 1)
    }
}
