// LoopGroup: N loops, each on its own thread with its own listeners.
//
//   start ─▶ running ─ enterLameDuck ─▶ asks nobody to stay ─ beginDrain ─▶ finishing ─ stop ─▶ joined
//
// Thread: one supervisor, usually main.  Allocates: the threads and their loops.

import CLinux

public final class LoopGroup {
    /// What the supervisor may ask of a loop.
    private enum Command: Sendable { case enterLameDuck, drain, stop }

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
    /// What each loop has still to finish; nil until it has begun to drain.
    private let unfinished = Monitor<[Int?]>([])

    /// A loop that is this late must not keep the process from ending.
    private static let beginTimeout: Duration = .seconds(1)

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
        let budget = OutboundBudget(
            byteCountMax: limits.outboundMemoryByteCountMax, loopCount: count)
        for number in 0..<count {
            do {
                try startOne("\(name)-\(number)", number, limits, time, budget, setUp)
            } catch {
                stop()
                throw error
            }
        }
    }

    private func startOne(
        _ name: String, _ number: Int, _ limits: Limits, _ time: any TimeSource,
        _ budget: OutboundBudget, _ setUp: @escaping @Sendable (Reactor, Int) throws -> Void
    ) throws {
        let startup = Monitor(Startup.pending)
        let unfinished = unfinished
        unfinished.update { $0.append(nil) }
        let thread = NativeThread(name: name) {
            do {
                let reactor = try Reactor(limits: limits, time: time, budget: budget)
                let commands = reactor.makeMailbox(of: Command.self) { [unowned reactor] command in
                    switch command {
                    case .enterLameDuck: reactor.enterLameDuck()
                    case .drain: Self.drain(reactor, number, telling: unfinished)
                    case .stop: reactor.stop()
                    }
                }
                try setUp(reactor, number)
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
    private static func drain(
        _ reactor: Reactor, _ number: Int, telling unfinished: Monitor<[Int?]>
    ) {
        reactor.stopAccepting()
        reactor.drainConnections()
        // Told at once, so that whoever asked knows how much there is to finish.
        var told = reactor.unfinishedCount
        unfinished.update { $0[number] = told }
        reactor.every(.milliseconds(16)) { [unowned reactor] in
            let count = reactor.unfinishedCount
            guard count != told else { return }
            told = count
            unfinished.update { $0[number] = count }
        }
    }

    /// From here on HTTP answers end their connections, so that few are open and idle when the
    /// loops stop accepting. Returns at once.
    public func enterLameDuck() { post(.enterLameDuck) }

    /// Stops accepting and asks every connection to finish.
    ///
    /// - Returns: how many there were, once every loop has asked; a loop that does not come to it
    ///   within a second counts as one.
    public func beginDrain() -> Int {
        post(.drain)
        _ = unfinished.wait(atMost: Self.beginTimeout) { counts in counts.contains(nil) ? nil : () }
        return unfinishedCount
    }

    /// Waits until everything asked by `beginDrain` is closed, at most `timeout`.
    ///
    /// - Returns: how many connections are still open; 0 before the time is over.
    public func waitUntilDrained(atMost timeout: Duration) -> Int {
        let isDrained = unfinished.wait(atMost: timeout) { counts in
            counts.allSatisfy { $0 == 0 } ? true : nil
        }
        return isDrained == true ? 0 : unfinishedCount
    }

    /// A loop that has not begun has something to finish, for all we know.
    private var unfinishedCount: Int {
        unfinished.withLock { counts in counts.reduce(0) { $0 + ($1 ?? 1) } }
    }

    /// Both, for programs that have nothing to say meanwhile. True if all were closed.
    public func drain(atMost timeout: Duration) -> Bool {
        _ = beginDrain()
        return waitUntilDrained(atMost: timeout) == 0
    }

    private func post(_ command: Command) {
        for loop in loops { loop.commands.post(command) }
    }

    /// Cuts what is open and joins the threads.
    public func stop() {
        post(.stop)
        for loop in loops { loop.thread.join() }
        loops = []
        unfinished.update { $0 = [] }
    }
}
