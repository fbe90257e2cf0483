// RedisClient: a link for the threads that may wait.
//
//   worker: call ──▶ mailbox ──▶ link ──▶ redis
//             │ waits                        │
//             ◀──────── monitor ◀── reply ───┘
//
// Thread: any but a loop's; calls block.  Allocates: per call.

import Loop

public final class RedisClient: Sendable {
    private struct Call: Sendable {
        let commands: [RedisCommand]
        let timeout: Duration
        let answer: Monitor<Result<[RedisReply], RedisError>?>
    }

    /// How long a caller waits beyond the timeout: the loop answers by then unless it hangs itself.
    private static let loopGrace: Duration = .seconds(1)

    /// The deadline the connection string asks for, if it does.
    public let commandTimeout: Duration?
    private let mailbox: Mailbox<Call>
    private let state: Monitor<RedisLinkState>

    /// Made on the link's loop, which keeps the link from then on.
    public init(link: RedisLink) {
        state = link.sharedState
        commandTimeout = link.options.commandTimeout
        mailbox = link.reactor.makeMailbox { call in
            link.send(call.commands, timeout: call.timeout) { result in
                call.answer.update { $0 = result }
            }
        }
    }

    /// What the link is good for at this moment.
    public var linkState: RedisLinkState { state.withLock { $0 } }

    /// Why the link is not ready; nil if it is.
    public var lastError: RedisError? {
        switch linkState {
        case .ready: nil
        case .stalled: .unavailable(reason: "redis does not answer")
        case .away(let error): error
        }
    }

    /// Sends the commands in one go and waits for all their replies.
    ///
    /// - Parameter timeout: for all of it. Without a connection the call fails at once.
    /// - Throws: `refused` for the first error among the replies; the other commands were executed.
    public func call(
        _ commands: [RedisCommand], timeout: Duration
    ) throws(RedisError) -> [RedisReply] {
        let answer = Monitor<Result<[RedisReply], RedisError>?>(nil)
        guard mailbox.post(Call(commands: commands, timeout: timeout, answer: answer)) else {
            throw .unavailable(reason: "the server is shutting down")
        }
        guard let result = answer.wait(atMost: timeout + Self.loopGrace, { $0 }) else {
            throw .timedOut(reason: "redis' loop did not answer in time")
        }
        let replies = try result.get()
        for case .error(let error) in replies { throw .refused(error) }
        return replies
    }

    /// Waits for the first connection; returns at once if there is one.
    ///
    /// - Throws: the last error, after the time; a refused password at once, as waiting mends nothing.
    public func waitUntilReady(atMost timeout: Duration) throws(RedisError) {
        let failure = state.wait(atMost: timeout) { state -> RedisError?? in
            switch state {
            case .ready: .some(nil)
            case .away(.authentication(let reason)): .some(.authentication(reason: reason))
            case .stalled, .away: nil
            }
        }
        if let error = failure ?? lastError { throw error }
    }
}
