// HubOptions: every limit of the hub, with its unit, its default and what happens when it is hit.
//
// The defaults are ASP.NET Core's, which the clients were written against; docs/LIMITS.md lists all
// limits of the server.
//
// Thread: a pure value.

import Loop
import WS

public struct HubOptions: Sendable {
    /// From the upgrade to the handshake request; then "Handshake was canceled.".
    public var handshakeTimeout: Duration = .seconds(15)
    /// Between two pings of ours; half of it to a sixteenth more (at most a second) where one goes
    /// with a ping of the client. A ping is left out while the connection's output is stuck.
    public var keepAliveInterval: Duration = .seconds(15)
    /// Silence of a client that has pinged at least once; then the connection is closed. Should be
    /// at least twice the client's own ping interval.
    public var clientTimeout: Duration = .seconds(30)
    /// Bytes of one received hub message with its framing; more closes the connection. Nil: no limit
    /// but the WebSocket's.
    public var messageByteCountMax: Int? = 32 * 1024
    /// Adds the reason to error texts. For development only: reasons tell about the server's inside.
    public var enableDetailedErrors = false
    /// What a client may ask for in its handshake.
    public var protocols: [HubProtocol] = HubProtocol.allCases
    /// What negotiate offers and the hub path serves.
    public var transports: [HubTransport] = HubTransport.allCases
    /// Invocations of one client that run at a time; the next one waits, and with it whatever the
    /// client sends behind it. Streaming invocations and those with uploads do not count.
    public var parallelInvocationCountMax = 1
    /// Invocations of one client that have not ended, streaming ones and waiting ones included; then
    /// nothing more is read from it until one has.
    public var invocationCountMax = 100
    /// Items of one upload that wait for their method; then nothing more is read from the client.
    public var uploadItemCountMax = 10
    /// Bytes of a client without a WebSocket that wait for the hub; a POST beyond it is answered when
    /// half of them are read.
    public var postedByteCountMax = 64 * 1024
    /// Bytes for a client that does not fetch them (long polling, or away between two sockets) at
    /// which its streams wait.
    public var waitingByteCountHigh = 64 * 1024
    /// The same at which the client is given up.
    public var waitingByteCountMax = 4 * 1024 * 1024
    /// What becomes of a client that does not read. Answers, handshakes and pings are never left out,
    /// pushes are where it says so; with stateful reconnect they are numbered, and it is always `close`.
    public var slowClient = SlowConsumerPolicy.close
    /// Bytes queued on a client's socket at which `slowClient` decides. For a client that fetches
    /// `waitingByteCountMax` stands in its place.
    public var outboundByteCountMax = 1024 * 1024
    /// What a push is about, for `SlowConsumerPolicy.coalesce`: one that is newer makes it worthless to
    /// the same client. Nil: nothing does. Asked once per push, on the thread that sends it or that of
    /// the backplane.
    public var subject: @Sendable (_ target: String, _ arguments: [RawValue]) -> String? = {
        _, _ in nil
    }
    /// How long a client without a WebSocket may be away between two requests, and one with stateful
    /// reconnect between two sockets.
    public var disconnectTimeout: Duration = .seconds(15)
    /// A poll without anything to tell is answered after this.
    public var pollTimeout: Duration = .seconds(90)
    /// Messages of one client, pings too; beyond it the client is read more slowly. At least one per
    /// second, so that nobody is taken for silent. Nil: no limit.
    public var messageRate: RateLimit?
    /// Connections that one user may ask for; more are 429. Nil: no limit.
    public var connectRate: RateLimit?
    /// Connections of one user to this process; more are 429. 0: no limit.
    public var userConnectionCountMax = 0
    /// Connections of this process that can be without a socket: long polling, server-sent events,
    /// stateful reconnect, and those that have POSTed and not attached. More are 503.
    public var sessionCountMax = 32_768
    /// Lets clients that ask for it keep their connection over a broken WebSocket.
    public var allowsStatefulReconnect = false
    /// Bytes of messages that such a client has not acknowledged at which its streams wait.
    public var statefulByteCountHigh = 100_000
    /// Keeps the first request of each connection for `HubCaller.request`: some 500 bytes each.
    public var keepsRequest = false
    /// The lowest negotiateVersion accepted, 0 or 1.
    public var negotiateVersionMin = 0
    /// How long a negotiated connection waits for its transport.
    public var negotiatedLifetime: Duration = .seconds(15)
    /// On shutdown so many connections of the process are closed per second, so that their clients do
    /// not all come back in the same moment. Nil: as many as let everybody leave within two thirds of
    /// `drainPeriod`, at least 100.
    public var drainRate: Int?
    /// What is left after this time is closed at once.
    public var drainPeriod: Duration = .seconds(4)
    /// Age at which a connection is closed when it is idle, with leave to reconnect, so that the
    /// connections of old pods come to new ones; each has its own age between 0.9 and 1.1 of this.
    /// Nil: never.
    public var connectionAgeMax: Duration?
    /// Browsers' origins that may open a WebSocket; nil allows all.
    public var allowedOrigins: Set<String>?
    /// The WebSocket below. One of its messages may carry many hub messages, so its limit is higher;
    /// and an oversized hub message up to that limit gets its hub error and not just code 1009.
    public var webSocket: WSLimits = {
        var limits = WSLimits()
        limits.messageByteCountMax = 128 * 1024
        return limits
    }()
    /// permessage-deflate of WebSockets.
    public var compression = WSCompression()

    public init() {}

    /// Traps if a limit makes no sense: the configuration checks values before.
    public func validate() {
        precondition(handshakeTimeout > .zero)
        precondition(keepAliveInterval > .zero)
        precondition(clientTimeout > .zero)
        precondition(messageByteCountMax ?? 1 > 0)
        precondition(!protocols.isEmpty)
        precondition((0...1).contains(negotiateVersionMin))
        precondition(negotiatedLifetime >= .seconds(1))
        precondition(parallelInvocationCountMax > 0)
        precondition(invocationCountMax >= parallelInvocationCountMax)
        precondition(uploadItemCountMax > 0)
        precondition(postedByteCountMax > 1)
        precondition(waitingByteCountHigh > 0 && waitingByteCountHigh < waitingByteCountMax)
        precondition(statefulByteCountHigh > 0 && statefulByteCountHigh < waitingByteCountMax)
        compression.validate()
        precondition(outboundByteCountMax > 64 * 1024)
        precondition(messageRate.map { $0.intervalMax <= .seconds(1) } ?? true)
        precondition(userConnectionCountMax >= 0 && sessionCountMax >= 0)
        precondition(disconnectTimeout >= .seconds(1))
        precondition(pollTimeout >= .seconds(1))
        precondition(drainRate ?? 1 > 0)
        precondition(drainPeriod >= .zero)
        precondition(connectionAgeMax ?? .seconds(1) >= .seconds(1))
    }
}
