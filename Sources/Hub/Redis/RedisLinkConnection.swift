// RedisLinkConnection: one connection of a link: its row of commands, deadlines and heartbeat.
//
//   the connection's timer stands at the first of
//     deadline of a command          ─▶ timedOut, and the link is stalled
//     heartbeat, when nobody waits   ─▶ PING, a command like any other
//     end of patience, when stalled  ─▶ the connection is given up
//
// Thread: one loop.  Allocates: as RedisSession does.

import Loop

final class RedisLinkConnection: ConnectionHandler {
    private let connection: Connection
    private let options: RedisOptions
    private let server: String
    private unowned let link: RedisLink
    private var session: RedisSession
    private var lastReceived: MonotonicInstant
    private var stalledSince: MonotonicInstant?
    private var timerInstant = MonotonicInstant(nanoseconds: .max)
    /// Why we end the connection ourselves.
    private var failure: RedisError?

    init(_ connection: Connection, options: RedisOptions, link: RedisLink) {
        self.connection = connection
        self.options = options
        self.link = link
        server = connection.peerAddress.description
        lastReceived = connection.reactor.now
        session = RedisSession(
            inFlightCountMax: options.inFlightCountMax,
            replyByteCountMax: options.replyByteCountMax)
    }

    private var now: MonotonicInstant { connection.reactor.now }

    func start() { setTimer() }

    // MARK: Out

    /// Takes a place in the row; false, and the answer has been given, if there is none.
    func add(_ answer: RedisAnswer, commandCount: Int, timeout: Duration) -> Bool {
        let deadline = now.advanced(by: timeout)
        guard session.add(answer, commandCount: commandCount, deadline: deadline) else {
            answer.fail(
                .unavailable(
                    reason: "\(session.inFlightCount) commands wait for redis at \(server) already")
            )
            return false
        }
        if deadline < timerInstant { setTimer(at: deadline) }
        return true
    }

    func write(_ command: RedisCommand) { connection.send(command.bytes) }

    private func sendHeartbeat() {
        let nobody = RedisAnswer.one { _ in }
        if add(nobody, commandCount: 1, timeout: options.heartbeatTimeout) {
            write(RedisCommand("PING"))
        }
    }

    // MARK: In

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        lastReceived = now
        do throws(RedisProtocolError) {
            try session.feed(UnsafeRawBufferPointer(bytes))
            // An answer's receiver may end the connection.
            while connection.isOpen, let completion = try session.next() {
                if stalledSince != nil { recovered() }
                completion.deliver()
            }
        } catch {
            giveUp(.unavailable(reason: "redis at \(server): \(error.reason)"))
        }
        if let error = session.serverError {
            giveUp(.unavailable(reason: "redis at \(server) is not the one to use: \(error)"))
        }
        return bytes.count
    }

    private func recovered() {
        stalledSince = nil
        link.changed(to: .ready)
    }

    override func peerClosed(_ connection: Connection) { connection.abort(.peerGone) }

    /// A link serves until the loop ends; those who use it are drained before.
    override func drain(_ connection: Connection) {}

    override func closed(_ connection: Connection, reason: CloseReason) {
        let error = failure ?? .lost(server, reason)
        link.lost(error)
        for answer in session.takeAll() { answer.fail(error) }
    }

    private func giveUp(_ error: RedisError) {
        if failure == nil { failure = error }
        connection.abort()
    }

    // MARK: Time

    override func timerFired(_ connection: Connection) {
        let expired = session.expire(at: now)
        if !expired.isEmpty, stalledSince == nil {
            stalledSince = now
            link.changed(to: .stalled)
        }
        let error = RedisError.timedOut(reason: "redis at \(server) did not answer in time")
        for answer in expired { answer.fail(error) }
        if let stalledSince {
            if stalledSince.duration(to: now) >= options.stallTimeout {
                let silence = stalledSince.duration(to: now)
                return giveUp(
                    .unavailable(reason: "redis at \(server) has not answered for \(silence)"))
            }
        } else if session.nextDeadline == nil,
            lastReceived.duration(to: now) >= options.heartbeatInterval
        {
            sendHeartbeat()
        }
        setTimer()
    }

    private func setTimer() {
        let patience =
            stalledSince.map { $0.advanced(by: options.stallTimeout) }
            ?? lastReceived.advanced(by: options.heartbeatInterval)
        setTimer(at: session.nextDeadline.map { min($0, patience) } ?? patience)
    }

    private func setTimer(at instant: MonotonicInstant) {
        timerInstant = instant
        connection.armTimer(after: now.duration(to: instant))
    }
}
