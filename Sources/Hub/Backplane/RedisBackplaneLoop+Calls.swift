// RedisBackplaneLoop+Calls: what waits for an answer of another pod: group commands, questions to
// clients, forwarded requests.
//
//   call ─▶ PUBLISH ─ 0: reachedNobody          round, every watchInterval while something waits:
//              └─ ≥ 1 ─▶ RemoteCalls ◀────────── PUBSUB NUMSUB channel … in one go
//                            ▲
//   +Receive: ack, completion, reply             disconnected: all are unavailable
//
// A group command is heard by every pod, so its PUBLISH does not tell whether anybody holds the
// connection; the rounds do.
//
// Thread: the loop it was made on.  Allocates: per call; per round a command and its reply.
// Source: ASP.NET Core SignalR, RedisHubLifetimeManager; redis.io, "PUBSUB NUMSUB".

import Loop
import Synchronization

extension RedisBackplaneLoop {
    /// Whether answers would be heard.
    private var isDeaf: Bool { !watch.isWhole }

    // MARK: Calling

    func command(_ change: GroupChange, _ done: @escaping @Sendable (BackplaneError?) -> Void) {
        let waiter = RemoteWaiter.change(done)
        if isDeaf {
            let reason = "redis is away: groups of other pods' connections cannot be changed"
            return waiter.fail(.unavailable(reason: reason), counters)
        }
        // .NET reads 32 bits.
        commandCount = commandCount == .max ? 1 : commandCount + 1
        let id = RemoteCallID.change(Int64(commandCount))
        let deadline = reactor.now.advanced(by: settings.ackTimeout)
        calls.add(
            id, waiter, heldBy: .connection(change.connectionID), deadline: deadline,
            unwatchedDeadline: deadline)
        let command = GroupCommand(
            id: Int64(commandCount), server: channels.serverName, change: change)
        send(command.encode(), to: channels.groupCommands) { [unowned self] result in
            if case .failure(let error) = result { fail(id, .init(error)) }
        }
        armRound()
    }

    func call(_ call: RemoteCall) {
        if isDeaf {
            let reason = "redis is away: clients of other pods cannot be reached"
            return call.waiter.fail(.unavailable(reason: reason), counters)
        }
        let patience = call.isPoll ? settings.unwatchedPollTimeout : settings.ackTimeout
        calls.add(
            call.id, call.waiter, heldBy: call.holder, deadline: nil,
            unwatchedDeadline: reactor.now.advanced(by: patience))
        send(call.payload, to: channels.name(of: call.holder)) { [unowned self] result in
            switch result {
            case .success(0): fail(call.id, .reachedNobody)
            case .success: break
            case .failure(let error): fail(call.id, .init(error))
            }
        }
        armRound()
    }

    func fail(_ id: RemoteCallID, _ failure: RemoteCallFailure) {
        calls.take(id)?.fail(failure, counters)
    }

    func failAll(_ failure: RemoteCallFailure) {
        for waiter in calls.takeAll() { waiter.fail(failure, counters) }
    }

    // MARK: Rounds

    private func armRound() {
        if isRoundArmed || calls.isEmpty { return }
        isRoundArmed = true
        reactor.after(settings.watchInterval) { [unowned self] in
            isRoundArmed = false
            round()
            armRound()
        }
    }

    private func round() {
        for waiter in calls.takeOverdue(at: reactor.now) { waiter.fail(.overdue, counters) }
        let scopes = calls.beginRound(at: reactor.now)
        if scopes.isEmpty { return }
        let commands = scopes.chunks(of: settings.channelCountPerCommandMax).map { some in
            RedisCommand("PUBSUB", ["NUMSUB"] + some.map { channels.name(of: $0) })
        }
        link.send(commands, timeout: settings.publishTimeout) { [unowned self] result in
            switch result {
            case .success(let replies): roundAnswered(replies, scopeCount: scopes.count)
            case .failure(let error): roundFailed(error.description)
            }
        }
    }

    private func roundAnswered(_ replies: [RedisReply], scopeCount: Int) {
        for case .error(let error) in replies {
            return error.isAboutServer
                ? roundFailed(error.description) : roundRefused(error.description)
        }
        let counts = replies.flatMap(Self.listenerCounts)
        guard counts.count == scopeCount else { return roundRefused("not the reply of redis") }
        for waiter in calls.roundAnswered(counts) { waiter.fail(.holderGone, counters) }
    }

    private func roundRefused(_ reason: String) {
        calls.roundRefused()
        if isRefusalLogged { return }
        isRefusalLogged = true
        log.warning(
            "redis does not tell which pods live: give its user PUBSUB", [.reason(reason)])
    }

    /// `[channel, count, channel, count, …]` in the order they were asked for.
    private static func listenerCounts(_ reply: RedisReply) -> [Int64] {
        guard case .array(let items) = reply else { return [] }
        return items.compactMap { if case .integer(let count) = $0 { count } else { nil } }
    }

    private func roundFailed(_ reason: String) {
        if calls.roundFailed(at: reactor.now) { failAll(.unavailable(reason: reason)) }
    }

    // MARK: Answering

    /// Publishes what another pod waits for, as soon as that is possible.
    func answer(_ payload: [UInt8], on channel: String) {
        let deadline = reactor.now.advanced(by: settings.ackTimeout)
        answer(UnsentAnswers.Answer(payload: payload, channel: channel, deadline: deadline))
    }

    private func answer(_ answer: UnsentAnswers.Answer) {
        send(answer.payload, to: answer.channel) { [unowned self] result in
            guard case .failure(let error) = result, !unsent.keep(answer) else { return }
            log.warning("answer to another pod dropped", [.reason("\(error)")])
        }
    }

    /// There is a connection again, or it answers again.
    func linkIsReady() {
        calls.connected()
        for left in unsent.takeAll(at: reactor.now) { answer(left) }
    }
}

extension RemoteCallFailure {
    fileprivate init(_ error: BackplaneError) {
        self =
            switch error {
            case .unavailable(let reason): .unavailable(reason: reason)
            case .unanswered: .overdue
            }
    }
}
