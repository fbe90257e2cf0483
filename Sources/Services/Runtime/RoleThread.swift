// RoleThread: a thread that repeats one role's step until it is told to stop.
//
//   start ──▶ make role ──▶ step ──▶ worked / idle ──▶ step …          stop ──▶ finish ──▶ end
//                             └────▶ paused(d) ──▶ wait d or stop ──▶ step
//
// A step is never interrupted: what is in flight at `stop` is finished. The role is made on its
// thread, so it needs no lock; a simulation calls the same steps from its own single thread.
//
// Thread: start, stop and join from any one; the role on its own.  Source: man 3 pthread_create.

import CLinux
import Glibc

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
}

extension SteppedRole {
    public func finish() {}
}

public final class RoleThread: @unchecked Sendable {
    // @unchecked: `thread` is written by `start` and read by `join`, both the owner's calls.
    private let name: String
    private let make: @Sendable () -> any SteppedRole
    private let isStopping = ConditionLock(false)
    private var thread: pthread_t?

    /// How long a step may wait for work; also the longest time until a stop is noticed.
    public static let stepWait: Duration = .seconds(1)

    /// - Parameters:
    ///   - name: at most 15 bytes, for the debugger.
    ///   - make: called once, on the new thread.
    public init(name: String, make: @escaping @Sendable () -> any SteppedRole) {
        self.name = name
        self.make = make
    }

    public func start() {
        precondition(thread == nil, "started twice")
        var created = pthread_t()
        let code = pthread_create(
            &created, nil,
            { argument in
                guard let argument else { preconditionFailure("pthread lost our argument") }
                Unmanaged<RoleThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        // Only at start-up, and a server without one of its roles must not serve.
        precondition(code == 0, "pthread_create failed with errno \(code)")
        thread = created
    }

    /// Asks the thread to end after its current step; returns at once.
    public func stop() { isStopping.withLockThenWakeAll { $0 = true } }

    /// Waits for the end.
    public func join() {
        guard let thread else { return }
        pthread_join(thread, nil)
        self.thread = nil
    }

    private func run() {
        clinux_name_thread(name)
        let role = make()
        while !isStopping.withLock({ $0 }) {
            if case .paused(let pause) = role.step(wait: Self.stepWait) {
                _ = isStopping.wait(atMost: pause) { $0 ? () : nil }
            }
        }
        role.finish()
    }
}
