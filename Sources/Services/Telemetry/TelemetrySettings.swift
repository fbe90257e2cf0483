// TelemetrySettings: where traces go, and how many, from the variables every OpenTelemetry SDK reads.
//
//   OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER                 whether at all
//   OTEL_EXPORTER_OTLP_{TRACES_,}ENDPOINT HEADERS TIMEOUT PROTOCOL COMPRESSION CERTIFICATE …
//   OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES             who we are
//   OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG            which traces
//   OTEL_BSP_{SCHEDULE_DELAY,EXPORT_TIMEOUT,MAX_QUEUE_SIZE,MAX_EXPORT_BATCH_SIZE}
//
// Without an endpoint nothing is exported: a server that nobody told of a collector should not look
// for one on its own machine. A value that cannot be used is warned of and its default taken, as the
// specification wants; only what would send traces to the wrong place, or nowhere, is an error.
//
// Thread: a pure value, made once at start.
// Source: OpenTelemetry "Environment Variable Specification", "OTLP Exporter Configuration".

import Loop
import WS

/// A variable that cannot be worked with, and what to write instead.
public struct TelemetrySettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let variable: String
    public let text: String
    public var description: String { "\(variable): \(text)" }
}

public struct TelemetrySettings: Sendable {
    /// Of the collector's traces; nil: nothing is exported.
    public var url: HTTPURL?
    /// Sent with every export; may hold a key and is never logged.
    public var headers: [(name: String, value: String)] = []
    /// One export, from the connect to the last byte of the answer.
    public var timeout: Duration = .seconds(10)
    /// How long spans wait at most for others to go with them.
    public var scheduleDelay: Duration = .seconds(5)
    /// How long one batch is tried.
    public var exportTimeout: Duration = .seconds(30)
    /// Spans that may wait; more are dropped and counted.
    public var queueCountMax = 2048
    /// Spans of one export; at most `queueCountMax`.
    public var batchCountMax = 512
    public var sampler = Sampler()
    public var tls = TLSClientContext.Settings()
    /// Nil: by the roles.
    public var serviceName: String?
    /// What the operator says of this process, in the order given.
    public var resourceAttributes: [(name: String, value: String)] = []
    /// Values that were not used, each with its variable.
    public var warnings: [String] = []

    /// Bytes of a collector's answer that are read; it has nothing to say that we need.
    static let responseByteCountMax = 64 * 1024

    public init() {}

    public init(environment: [String: String]) throws(TelemetrySettingsError) {
        var reader = TelemetryEnvironment(environment)
        url = try reader.url()
        guard url != nil else { return }
        headers = try reader.headers()
        tls = reader.tls()
        timeout = reader.milliseconds(forTraces: "TIMEOUT", default: timeout)
        reader.refuseCompression()
        scheduleDelay = reader.milliseconds("OTEL_BSP_SCHEDULE_DELAY", default: scheduleDelay)
        exportTimeout = reader.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", default: exportTimeout)
        queueCountMax = reader.count("OTEL_BSP_MAX_QUEUE_SIZE", default: queueCountMax)
        batchCountMax = min(
            queueCountMax, reader.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", default: batchCountMax))
        sampler = reader.sampler()
        serviceName = reader["OTEL_SERVICE_NAME"]
        resourceAttributes = reader.resourceAttributes()
        warnings = reader.warnings
    }

    /// Who the spans come from. OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES, and both over
    /// what the roles say.
    func resource(roles: Set<ServiceRole>, random: some RandomSource) -> TelemetryResource {
        let words = random.words128()
        let instance =
            CorrelationID(high: words.0 | 1, low: words.1)?.description ?? "unknown"
        var attributes = [
            (name: "service.name", value: Self.serviceName(of: roles)),
            (name: "service.version", value: CommandLineTool.version),
            (name: "service.instance.id", value: instance),
            (name: "telemetry.sdk.name", value: "contoso"),
            (name: "telemetry.sdk.language", value: "swift"),
            (name: "telemetry.sdk.version", value: CommandLineTool.version),
        ]
        func set(_ name: String, _ value: String) {
            if let position = attributes.firstIndex(where: { $0.name == name }) {
                attributes[position].value = value
            } else {
                attributes.append((name: name, value: value))
            }
        }
        for attribute in resourceAttributes { set(attribute.name, attribute.value) }
        if let serviceName { set("service.name", serviceName) }
        return TelemetryResource(attributes: attributes)
    }

    /// The replaced services' names; a process with several roles is none of them.
    private static func serviceName(of roles: Set<ServiceRole>) -> String {
        switch roles {
        case [.accept]: "order-accept"
        case [.process]: "order-process"
        case [.notification]: "order-notification"
        default: "contoso-orders"
        }
    }
}
