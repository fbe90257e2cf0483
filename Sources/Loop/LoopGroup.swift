// LoopGroup: N loops, each on its own thread with its own listeners.
//
//   start ─▶ running ─ drain ─▶ finishing what is in flight ─ stop ─▶ joined
//
// Thread: one supervisor, usually main.  Allocates: the threads and their loops.

import CLinux

public final class LoopGroup {
    /// What the supervisor may ask of a loop.
    private enum Command: Sendable { case drain, stop }

    private struct Running {
        let thread: NativeThread
        let commands: Mailbox<Command>
    }

    private enum Startup: Sendable {
        case pending
        case running(Mailbox<Command>)
        case failed(any Error)
    }

    private var loops: [Running] = []
    /// How many loops still have a connection open that was accepted; they count themselves out after a drain.
    private let busyLoopCount = Monitor(0)

    public init() {}

    /// Starts `count` loops one after the other.
    ///
    /// - Parameters:
    ///   - name: of the threads, for the debugger; the loop's number is put behind it.
    ///   - setUp: runs on each loop's thread before its first tick, with the loop and its
    ///     number: listen, make mailboxes. An error there stops what was started and is thrown here.
    public func start(
        count: Int, name: String = "loop", limits: Limits, time: any TimeSource = SystemTime(),
        _ setUp: @escaping @Sendable (Reactor, Int) throws -> Void
    ) throws {
        precondition(loops.isEmpty && count > 0)
        for number in 0..<count {
            do {
                try startOne("\(name)-\(number)", number, limits, time, setUp)
            } catch {
                stop()
                throw error
            }
        }
    }

    private func startOne(
        _ name: String, _ number: Int, _ limits: Limits, _ time: any TimeSource,
        _ setUp: @escaping @Sendable (Reactor, Int) throws -> Void
    ) throws {
        let startup = Monitor(Startup.pending)
        let busyLoopCount = busyLoopCount
        let thread = NativeThread(name: name) {
            do {
                let reactor = try Reactor(limits: limits, time: time)
                let commands = reactor.makeMailbox(of: Command.self) { [unowned reactor] command in
                    switch command {
                    case .drain: Self.drain(reactor, whenEmpty: busyLoopCount)
                    case .stop: reactor.stop()
                    }
                }
                try setUp(reactor, number)
                busyLoopCount.update { $0 += 1 }
                startup.update { $0 = .running(commands) }
                reactor.run()
            } catch {
                startup.update { $0 = .failed(error) }
            }
        }
        let outcome = startup.wait { state -> Startup? in
            if case .pending = state { return nil }
            return state
        }
        switch outcome! {
        case .running(let commands):
            loops.append(Running(thread: thread, commands: commands))
        case .failed(let error):
            thread.join()
            throw error
        case .pending: preconditionFailure("the wait ended before its condition held")
        }
    }

    /// On the loop's thread.
    private static func drain(_ reactor: Reactor, whenEmpty busyLoopCount: Monitor<Int>) {
        reactor.stopAccepting()
        reactor.drainConnections()
        var isCountedOut = false
        reactor.every(.milliseconds(16)) { [unowned reactor] in
            if !isCountedOut, reactor.acceptedConnectionCount == 0 {
                isCountedOut = true
                busyLoopCount.update { $0 -= 1 }
            }
        }
    }

    /// Stops accepting and asks every connection to finish; returns when all are closed or the
    /// deadline has passed. True if all were closed.
    public func drain(atMost timeout: Duration) -> Bool {
        for loop in loops { loop.commands.post(.drain) }
        return busyLoopCount.wait(atMost: timeout) { $0 <= 0 ? true : nil } ?? false
    }

    /// Cuts what is open and joins the threads.
    public func stop() {
        for loop in loops { loop.commands.post(.stop) }
        for loop in loops { loop.thread.join() }
        loops = []
    }
}
