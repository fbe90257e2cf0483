// FaultPlan: which of a thread's system calls fail, and which descriptors it has left open.
//
//   plan.watch() on the thread ─▶ arm(.recv, .fails(ECONNRESET), nth: 3) ─▶ the third recv from now on
//
// Thread: made and armed by any; speaks of the threads that called `watch`.  Allocates: itself.

import CFaults
import Glibc

/// A call that can be made to fail.
public enum SystemCall: UInt32, CaseIterable, Sendable {
    case accept, bind, close, connect, epollAdd, epollCreate, epollWait, eventfd
    case fdatasync, getpeername, getrandom, getsockname, getsockopt, listen, open, pipe, poll
    case read, recv, send, sendmsg, setsockopt, shutdown, socket, write

    fileprivate var code: cfaults_call { cfaults_call(rawValue: rawValue) }
}

/// What happens instead of what should.
public enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// With this errno.
    case fails(Int32)
    /// At most so many bytes are moved.
    case moves(Int)

    public var description: String {
        switch self {
        case .fails(let code): String(cString: strerror(code))
        case .moves(let count): "at most \(count) bytes"
        }
    }
}

/// Made for one test; the threads it watches must have ended, or `unwatch`ed, before it goes.
public final class FaultPlan: @unchecked Sendable {
    /// Its fields are atomic.
    private let plan: OpaquePointer

    public init() {
        plan = cfaults_make()!
        precondition(SystemCall.allCases.count == Int(CFAULTS_CALL_COUNT.rawValue))
    }

    deinit { cfaults_free(plan) }

    /// The current thread's calls count from now on.
    public func watch() { cfaults_choose(plan) }

    public static func unwatch() { cfaults_choose(nil) }

    /// Counts a descriptor that was opened before `watch`.
    public func adopt(_ descriptor: Int32) { cfaults_adopt(plan, descriptor) }

    /// Watches the current thread during `body`.
    public func watching<Result>(_ body: () throws -> Result) rethrows -> Result {
        watch()
        defer { Self.unwatch() }
        return try body()
    }

    /// Arms the `nth` call from now on, and the `times - 1` behind it. Four can be armed at once.
    public func arm(_ call: SystemCall, _ fault: Fault, nth: Int = 1, times: Int = 1) {
        switch fault {
        case .fails(let code): cfaults_arm(plan, call.code, Int32(nth), Int32(times), code, 0)
        case .moves(let count):
            cfaults_arm(plan, call.code, Int32(nth), Int32(times), 0, Int32(count))
        }
    }

    public func disarm() { cfaults_disarm(plan) }

    /// How often a fault has struck. A test whose fault met nobody has proved nothing.
    public var hitCount: Int { Int(cfaults_hit_count(plan)) }

    public func callCount(of call: SystemCall) -> Int {
        Int(cfaults_call_count(plan, call.code))
    }

    /// Opened by a watched thread, and not closed by anybody.
    public var openDescriptorCount: Int { Int(cfaults_open_count(plan)) }

    /// Waits until so many are open; false after thirty seconds.
    public func holds(descriptors count: Int) -> Bool {
        for _ in 0..<30_000 {
            if openDescriptorCount == count { return true }
            usleep(1000)
        }
        return false
    }
}
