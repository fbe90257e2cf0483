// RedisExchange: sends commands on a new connection and waits for all their replies.
//
//   opened: send ─▶ received… ─▶ all replies ─▶ finished(connection, replies)
//      └───────────────┴─ closed, out of time, not Redis ─▶ finished(nil, error)
//
// Thread: one loop.  Allocates: the replies.

import Loop

final class RedisExchange: ConnectionHandler {
    enum Outcome {
        /// The connection is open; whoever gets it gives it another handler or closes it.
        case replied(Connection, [RedisReply])
        case failed(String)
    }

    private let commands: [RedisCommand]
    private let timeout: Duration
    private var reader: RedisReader
    private var replies: [RedisReply] = []
    private var failure: String?
    /// Nil once it has been called.
    private var finished: ((Outcome) -> Void)?

    init(
        _ commands: [RedisCommand], options: RedisOptions, finished: @escaping (Outcome) -> Void
    ) {
        self.commands = commands
        timeout = options.connectTimeout
        reader = RedisReader(replyByteCountMax: options.replyByteCountMax)
        self.finished = finished
    }

    override func opened(_ connection: Connection) {
        connection.armTimer(after: timeout)
        for command in commands { connection.send(command.bytes) }
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        do throws(RedisProtocolError) {
            try reader.feed(UnsafeRawBufferPointer(bytes))
            while replies.count < commands.count, let reply = try reader.next() {
                replies.append(reply)
            }
        } catch {
            fail(error.reason, connection)
            return bytes.count
        }
        if replies.count == commands.count { finish(.replied(connection, replies)) }
        return bytes.count
    }

    override func timerFired(_ connection: Connection) {
        fail("no answer within \(timeout)", connection)
    }

    override func peerClosed(_ connection: Connection) { connection.abort(.peerGone) }

    override func closed(_ connection: Connection, reason: CloseReason) {
        finish(.failed(failure ?? refusal ?? "no answer: \(reason)"))
    }

    /// A server that has no room, or lets nobody in from outside, says so once and closes.
    private var refusal: String? {
        for case .error(let error) in replies { return error.description }
        return nil
    }

    private func fail(_ reason: String, _ connection: Connection) {
        failure = reason
        connection.abort()
    }

    private func finish(_ outcome: Outcome) {
        let tell = finished
        finished = nil
        tell?(outcome)
    }
}
