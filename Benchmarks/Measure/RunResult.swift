// RunResult: all that one run of bench has found out, as it is written and read.
//
//   agents ─▶ histograms, counts, seconds ─┬▶ RunResult ─▶ report, JSON, plot, thresholds
//   /proc of the servers ─▶ ServerUse ─────┘        ▲
//                              compare: two files ──┘
//
// The published schema is Benchmarks/result.schema.json; a change that old readers would not
// understand takes a new `schema`.
//
// Thread: a pure value.  Allocates: its members.

public struct RunResult: Codable, Equatable, Sendable {
    public static let currentSchema = "contoso-bench/1"

    public var schema = RunResult.currentSchema
    /// RFC 3339, UTC.
    public var startedAt: String
    public var host: Host
    /// Of the repository bench was built from; nil outside of one.
    public var commit: String?
    /// The command line, secrets left out.
    public var flags: [String]
    public var scenario: String
    public var target: Target
    /// Values by name: `connections`, `processes`, `rate`, `bytes`, ...
    public var settings: [String: Double]
    /// Numbers that are no latency, by name: `deliveries`, `deliveries_per_second`,
    /// `server_cpu_us_per_delivery`, `server_bytes_per_connection`, ...
    public var metrics: [String: Double]
    /// Latencies by name: `tcp`, `tls`, `negotiate`, `upgrade`, `handshake`, `connect` (all of
    /// them), `fanout`, `echo`, `order`, ...
    public var latencies: [String: Latency]
    /// One entry per second of the measured time, in order.
    public var seconds: [Second]
    /// What went wrong, and how often.
    public var errors: [String: Int]
    public var servers: [ServerUse]

    public init(
        startedAt: String, host: Host, commit: String?, flags: [String], scenario: String,
        target: Target, settings: [String: Double] = [:], metrics: [String: Double] = [:],
        latencies: [String: Latency] = [:], seconds: [Second] = [], errors: [String: Int] = [:],
        servers: [ServerUse] = []
    ) {
        self.startedAt = startedAt
        self.host = host
        self.commit = commit
        self.flags = flags
        self.scenario = scenario
        self.target = target
        self.settings = settings
        self.metrics = metrics
        self.latencies = latencies
        self.seconds = seconds
        self.errors = errors
        self.servers = servers
    }

    /// The machine that ran bench.
    public struct Host: Codable, Equatable, Sendable {
        public var name: String
        /// `uname -sr`.
        public var kernel: String
        public var processor: String
        public var coreCount: Int
        public var memoryByteCount: Int

        public init(
            name: String, kernel: String, processor: String, coreCount: Int, memoryByteCount: Int
        ) {
            self.name = name
            self.kernel = kernel
            self.processor = processor
            self.coreCount = coreCount
            self.memoryByteCount = memoryByteCount
        }
    }

    /// Who was measured.
    public struct Target: Codable, Equatable, Sendable {
        public enum Kind: String, Codable, Sendable {
            /// Pods that bench has started.
            case pods
            /// The raw C server that bench has started.
            case floor
            /// A server that was there already.
            case other
        }

        public var kind: Kind
        public var url: String

        public init(kind: Kind, url: String) {
            self.kind = kind
            self.url = url
        }
    }

    /// A distribution, in nanoseconds.
    public struct Latency: Codable, Equatable, Sendable {
        public var count: Int
        public var minimum: UInt64
        public var mean: Double
        public var p50: UInt64
        public var p75: UInt64
        public var p90: UInt64
        public var p99: UInt64
        public var p999: UInt64
        public var p9999: UInt64
        public var maximum: UInt64
        /// HdrHistogram V2, deflated, in base64: all of the above follow from it.
        public var histogram: String

        public init(
            count: Int, minimum: UInt64, mean: Double, p50: UInt64, p75: UInt64, p90: UInt64,
            p99: UInt64, p999: UInt64, p9999: UInt64, maximum: UInt64, histogram: String
        ) {
            self.count = count
            self.minimum = minimum
            self.mean = mean
            self.p50 = p50
            self.p75 = p75
            self.p90 = p90
            self.p99 = p99
            self.p999 = p999
            self.p9999 = p9999
            self.maximum = maximum
            self.histogram = histogram
        }
    }

    /// What ended within one second of the run.
    public struct Second: Codable, Equatable, Sendable {
        /// Whole seconds since the start of the measured time.
        public var at: Int
        public var finishedCount: Int
        public var errorCount: Int
        /// Of the scenario's own latency, in nanoseconds; 0 when nothing finished.
        public var p50: UInt64
        public var p99: UInt64
        public var maximum: UInt64

        public init(
            at: Int, finishedCount: Int, errorCount: Int, p50: UInt64, p99: UInt64, maximum: UInt64
        ) {
            self.at = at
            self.finishedCount = finishedCount
            self.errorCount = errorCount
            self.p50 = p50
            self.p99 = p99
            self.maximum = maximum
        }
    }

    /// What a server process used during the measured time.
    public struct ServerUse: Codable, Equatable, Sendable {
        public var name: String
        public var processorSeconds: Double
        /// Resident, before the first connection.
        public var idleByteCount: Int
        /// Resident, with all connections.
        public var loadedByteCount: Int

        public init(
            name: String, processorSeconds: Double, idleByteCount: Int, loadedByteCount: Int
        ) {
            self.name = name
            self.processorSeconds = processorSeconds
            self.idleByteCount = idleByteCount
            self.loadedByteCount = loadedByteCount
        }
    }
}
