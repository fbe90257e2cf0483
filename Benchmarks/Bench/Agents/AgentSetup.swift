// AgentSetup: what one agent is told before it starts.
//
// Thread: a pure value.  Allocates: its texts.

import Measure

/// How the clients of an agent look to the server.
struct ClientSettings: Codable, Equatable, Sendable {
    /// ws or wss, with the hub's path; the clients take turns.
    var urls: [String]
    /// Trust any certificate.
    var isInsecure = false
    /// PEM of those who may vouch for the server; nil: the system's.
    var authorityFile: String?
    /// `Name: value` lines of every request.
    var headers: [String] = []
    /// A WebSocket without SignalR on top.
    var isRaw = false
    var skipsNegotiation = false
    var access = ClientAccess.none
    /// Numeric addresses to come from, in turn; empty lets the kernel choose.
    var sources: [String] = []
    /// Of one frame from the server.
    var payloadByteCountMax = 128 * 1024
    /// Between two pings of a client; the hub gives a silent one up after twice that.
    var pingSeconds = 15
    /// For all phases of opening one connection together.
    var openSeconds = 30
}

/// Who the clients say they are.
enum ClientAccess: Codable, Equatable, Sendable {
    case none
    /// Everybody shows this one.
    case token(String)
    /// HS256, made here: the clients are `bench-0` to `bench-(userCount - 1)`, in turn.
    case secret(String, issuer: String?, audience: String?, userCount: Int)
}

/// What the clients do once they are there.
enum AgentTask: Codable, Equatable, Sendable {
    /// Nothing but answering pings.
    case hold
    /// Receive broadcasts of this form. `slowShare` of the clients do not read; `invokes` names a
    /// hub method that broadcasts its argument, called `rate` times a second by this agent.
    case receive(byteCount: Int, target: String, slowShare: Double, invokes: Invocation?)
    /// Send messages that come back, or calls without an argument if there are no bytes. Nil rate: as
    /// soon as the last one is back.
    case echo(byteCount: Int, method: String?, ratePerSecond: Double?)
    /// That many TLS connections at once, which stay until the load stops.
    case storm(count: Int)
    /// POST orders and wait for their push.
    case order(ratePerSecond: Double)
    /// TLS handshakes only: full ones, then resumed ones.
    case handshakes

    struct Invocation: Codable, Equatable, Sendable {
        var method: String
        var ratePerSecond: Double
    }
}

struct AgentSetup: Codable, Equatable, Sendable {
    /// Among all agents, from 0.
    var number: Int
    var clientCount: Int
    /// Of all clients of the run, the first of this agent.
    var firstClient: Int
    /// Connections begun per second; nil: as fast as `openingCountMax` lets.
    var rampPerSecond: Double?
    /// Connections being opened at one time.
    var openingCountMax: Int
    /// Which ones the agent may use, as taskset has them; nil: any.
    var cores: String?
    var client: ClientSettings
    var task: AgentTask
}
