// Configuration: everything the program can be told, as typed values.
//
//   flag > environment > file > default  ──▶ ConfigurationLoader ──▶ Configuration ──▶ services
//
// Names, defaults, ranges and prose stand in one place, the table in Settings.swift; the loader
// assigns every field from it, so what a field holds before that has no meaning.
//
// Thread: a pure value, made once at start.

import Hub
import Loop
import WS

/// The parts of the platform one process can play.
public enum ServiceRole: String, Sendable, CaseIterable {
    /// The HTTP API that takes orders.
    case accept
    /// The worker that completes them.
    case process
    /// The hub that tells the browsers.
    case notification
}

public struct Configuration: Sendable {
    // Where it runs

    /// Development: dev tokens are issued, and the documented key is good enough.
    public var isDevelopment = false
    public var roles: Set<ServiceRole> = []
    /// Holds the embedded database and bus.
    public var dataDirectory = ""
    /// Nil: no listener without TLS.
    public var http: ListenAddress?
    /// Nil: no listener with TLS. Never set without certificate and key.
    public var https: ListenAddress?
    /// Nil: no metrics are served.
    public var metrics: ListenAddress?
    public var tls = TLSOptions()
    /// Loops, each on a thread of its own; at least 1.
    public var threadCount = 0
    /// The static shop; nil: none is served.
    public var webDirectory: String?

    // Engines

    public var database = DatabaseChoice.sqlite(path: nil)
    public var databaseConnectionCountMax = 0
    public var databaseTimeout: Duration = .zero
    public var migratesDatabase = false
    public var broker = BrokerChoice.embedded
    public var usesQuorumQueues = false
    public var prefetchCount = 0
    public var state = StateChoice.embedded
    /// For all of them together.
    public var startupWait: Duration = .zero
    public var readinessGrace: Duration = .zero
    public var acceptedQueue = ""
    public var processedQueue = ""
    /// Retries after the first try.
    public var processingRetryCountMax = 0
    public var workflowTTL: Duration = .zero

    // Who is who

    /// Nil: tokens are signed with `signingKey`.
    public var authority: HTTPURL?
    public var authorityCertificates: String?
    public var tokenAlgorithms: Set<TokenAlgorithm> = []
    /// The HMAC key as UTF-8 text; never logged. Empty only where no role needs one.
    public var signingKey = ""
    /// Checked when set; always set outside development.
    public var tokenIssuer: String?
    public var tokenAudience: String?
    public var clockSkew: Duration = .zero
    public var devTokenLifetime: Duration = .zero

    // What stands in front

    public var ingress = Ingress()
    /// "http", "https": those that want a PROXY header.
    public var proxiedListeners: Set<String> = []
    public var proxyHeaderTimeout: Duration = .zero
    /// Nil: who has no token is nobody.
    public var identityHeader: String?

    // HTTP and hub

    public var httpLimits = HTTPLimits()
    public var corsOrigins: [String] = []
    public var channelPrefix = ""
    public var hubTypeName = ""
    /// Nil: made from the signing key.
    public var hubTokenSecret: String?
    public var hub = HubOptions()
    public var hubMessageByteCountMax = 0
    /// Zero: any age.
    public var hubConnectionAgeMax: Duration = .zero

    // Limits and life cycle

    /// Per loop.
    public var connectionCountMax = 0
    public var admission = AdmissionSettings()
    /// Of the process.
    public var outboundMemoryByteCountMax = 0
    public var orderItemCountMax = 0
    public var quantityMax = 0
    public var workerCount = 0
    public var workerQueueCountMax = 0
    public var drainDelay: Duration = .zero
    public var drainPeriod: Duration = .zero
    /// Hub connections per second; 0: from their number and the period.
    public var drainRate = 0
    /// While this file exists `/health/ready` says 503.
    public var drainingFile = ""
    public var logLevel: LogLevel = .info
    /// From the variables that OpenTelemetry names; they stand in no table.
    public var telemetry = TelemetrySettings()

    /// Only the loader makes one, from the table; tests take `ConfigurationLoader.defaults`.
    init() {}

    /// The embedded database's file where no other is named.
    public var embeddedDatabasePath: String { dataDirectory + "/contoso.db" }

    public var orderLimits: OrderLimits {
        var limits = OrderLimits()
        limits.itemCountMax = orderItemCountMax
        limits.quantityMax = Int32(clamping: quantityMax)
        return limits
    }
}
