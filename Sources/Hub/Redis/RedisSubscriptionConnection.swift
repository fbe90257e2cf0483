// RedisSubscriptionConnection: one connection of a subscription: its scanner and its heartbeat.
//
//   silence ─▶ PING ─ any byte ─▶ ready
//                └─ heartbeatTimeout ─▶ stalled ─ stallTimeout ─▶ the connection is given up
//
// Thread: one loop.  Allocates: nothing per message that arrives whole.

import Loop

final class RedisSubscriptionConnection: ConnectionHandler {
    private let connection: Connection
    private let options: RedisOptions
    private let server: String
    private unowned let owner: RedisSubscription
    private var scanner: RedisPushScanner
    private var lastReceived: MonotonicInstant
    /// When the PING went out that has had no sign of life behind it.
    private var pingedAt: MonotonicInstant?
    private var isStalled = false
    private var failure: RedisError?

    init(_ connection: Connection, options: RedisOptions, owner: RedisSubscription) {
        self.connection = connection
        self.options = options
        self.owner = owner
        server = connection.peerAddress.description
        scanner = RedisPushScanner(byteCountMax: options.replyByteCountMax)
        lastReceived = connection.reactor.now
    }

    private var now: MonotonicInstant { connection.reactor.now }

    func start() { connection.armTimer(after: options.heartbeatInterval) }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        lastReceived = now
        pingedAt = nil
        if isStalled {
            isStalled = false
            owner.changed(to: .ready)
        }
        do throws(RedisProtocolError) {
            try scanner.feed(UnsafeRawBufferPointer(bytes)) { deliver($0) }
        } catch {
            giveUp("redis at \(server): \(error.reason)")
        }
        return bytes.count
    }

    private func deliver(_ push: RedisPush) {
        let subscriber = owner.subscriber
        switch push {
        case .message(let channel, let payload):
            subscriber.message(channel: channel, payload: payload)
        case .subscribed(let channel): subscriber.subscribed(to: text(channel))
        case .unsubscribed(let channel): subscriber.unsubscribed(from: text(channel))
        // An empty token is the heartbeat's.
        case .pong(let token): if token.count > 0 { subscriber.pong(text(token)) }
        case .refused(let message):
            let error = RedisServerError(text(message))
            subscriber.refused(error)
            if error.isAboutServer { giveUp("redis at \(server) is not the one to use: \(error)") }
        case .other: break
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    override func peerClosed(_ connection: Connection) { connection.abort(.peerGone) }

    /// Serves until the loop ends, like a RedisLink.
    override func drain(_ connection: Connection) {}

    override func closed(_ connection: Connection, reason: CloseReason) {
        owner.lost(failure ?? .lost(server, reason))
    }

    private func giveUp(_ reason: String) {
        if failure == nil { failure = .unavailable(reason: reason) }
        connection.abort()
    }

    override func timerFired(_ connection: Connection) {
        guard let pingedAt else {
            let silence = lastReceived.duration(to: now)
            guard silence >= options.heartbeatInterval else {
                return connection.armTimer(after: options.heartbeatInterval - silence)
            }
            self.pingedAt = now
            connection.send(RedisCommand("PING").bytes)
            return connection.armTimer(after: options.heartbeatTimeout)
        }
        let wait = pingedAt.duration(to: now)
        if wait >= options.heartbeatTimeout + options.stallTimeout {
            return giveUp("redis at \(server) has not answered for \(wait)")
        }
        if !isStalled {
            isStalled = true
            owner.changed(to: .stalled)
        }
        connection.armTimer(after: options.heartbeatTimeout + options.stallTimeout - wait)
    }
}
