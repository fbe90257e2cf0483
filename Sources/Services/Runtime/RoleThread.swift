// RoleThread: a thread that repeats one role's step until it is told to stop.
//
//   start ──▶ make role ──▶ step ──▶ worked / idle ──▶ step …     stop, wake ──▶ finish ──▶ end
//                             └────▶ paused(d) ──▶ wait d or stop ──▶ step
//
// Work is never interrupted: what is in flight at `stop` is finished; only a wait for work is cut
// short. The role is made on its thread, so it needs no lock; a simulation calls the same steps from
// its own single thread.
//
// Thread: start, stop and join from any one; the role on its own.

import Loop

/// What one step came to.
public enum StepOutcome: Equatable, Sendable {
    /// Something was done; there may be more.
    case worked(Int)
    /// Nothing came within the wait.
    case idle
    /// A dependency is away; the next step should come after this time.
    case paused(Duration)
}

/// Work that is done in steps, each bounded in time.
public protocol SteppedRole: AnyObject {
    /// Waits at most `wait` for something to do, and does it.
    func step(wait: Duration) -> StepOutcome
    /// The last call, once no step follows.
    func finish()
    /// Ends the wait of the current step, and of every later one. May be called on any thread.
    var wake: @Sendable () -> Void { get }
}

extension SteppedRole {
    public func finish() {}
}

public final class RoleThread: Sendable {
    private let name: String
    private let make: @Sendable () -> any SteppedRole
    private let state = Monitor(State())
    private let thread = Monitor<NativeThread?>(nil)

    private struct State: Sendable {
        var isStopping = false
        /// Of the role; nil before it is made.
        var wake: (@Sendable () -> Void)?
    }

    /// How long a step may wait for work.
    public static let stepWait: Duration = .seconds(1)

    /// - Parameters:
    ///   - name: at most 15 bytes, for the debugger.
    ///   - make: called once, on the new thread.
    public init(name: String, make: @escaping @Sendable () -> any SteppedRole) {
        self.name = name
        self.make = make
    }

    public func start() {
        thread.update { thread in
            precondition(thread == nil, "started twice")
            thread = NativeThread(name: name) { [self] in run() }
        }
    }

    /// Asks the thread to end after what it has in hand; returns at once.
    public func stop() {
        let wake = state.update { state in
            state.isStopping = true
            return state.wake
        }
        wake?()
    }

    /// Waits for the end.
    public func join() {
        let running = thread.update { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func run() {
        let role = make()
        state.update { $0.wake = role.wake }
        while !state.withLock({ $0.isStopping }) {
            if case .paused(let pause) = role.step(wait: Self.stepWait) {
                _ = state.wait(atMost: pause) { $0.isStopping ? () : nil }
            }
        }
        role.finish()
    }
}
