// TelemetryEnvironment: reads one OTEL_ variable after the other, and notes what is wrong with them.
//
// Thread: a value, used once at start.
// Source: OpenTelemetry "Environment Variable Specification"; W3C Baggage (the form of lists).

import Loop
import WS

struct TelemetryEnvironment {
    private let environment: [String: String]
    private(set) var warnings: [String] = []

    init(_ environment: [String: String]) { self.environment = environment }

    /// Nil if absent; empty is absent, says the specification.
    subscript(name: String) -> String? {
        guard let text = environment[name]?.trimmingBlanks, !text.isEmpty else { return nil }
        return text
    }

    /// The variable for traces, else the one for all signals.
    private func traces(_ suffix: String) -> (name: String, text: String)? {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_\(suffix)", "OTEL_EXPORTER_OTLP_\(suffix)"] {
            if let text = self[name] { return (name, text) }
        }
        return nil
    }

    private mutating func warn(_ name: String, _ text: String, _ fix: String) {
        warnings.append("\(name)=\(text): \(fix)")
    }

    // MARK: Where to

    /// Nil: nothing is to be exported.
    mutating func url() throws(TelemetrySettingsError) -> HTTPURL? {
        if self["OTEL_SDK_DISABLED"]?.lowercased() == "true" { return nil }
        let exporter = self["OTEL_TRACES_EXPORTER"]?.lowercased()
        switch exporter {
        case nil, "otlp": break
        case "none": return nil
        default:
            warn("OTEL_TRACES_EXPORTER", exporter ?? "", "only otlp and none; no traces are sent")
            return nil
        }
        guard let endpoint = try endpoint(isWanted: exporter != nil) else { return nil }
        if let (name, text) = traces("PROTOCOL"), text.lowercased() != "http/protobuf" {
            throw TelemetrySettingsError(
                variable: name,
                text: "\(text) is not offered; write http/protobuf, and as the endpoint the "
                    + "collector's HTTP port (4318, not gRPC's 4317)")
        }
        return endpoint
    }

    private func endpoint(isWanted: Bool) throws(TelemetrySettingsError) -> HTTPURL? {
        let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        let shared = "OTEL_EXPORTER_OTLP_ENDPOINT"
        if let text = self[own] { return try Self.parse(text, from: own) }
        if let text = self[shared] {
            return try Self.parse(text, from: shared).appending("v1/traces")
        }
        guard isWanted else { return nil }
        return try Self.parse("http://localhost:4318/v1/traces", from: own)
    }

    private static func parse(
        _ text: String, from name: String
    ) throws(TelemetrySettingsError) -> HTTPURL {
        do { return try HTTPURL(text) } catch {
            throw TelemetrySettingsError(
                variable: name, text: "\(error); write http://HOST:4318 or https://HOST:4318")
        }
    }

    /// `name=value,name=value`; values may be percent-encoded.
    mutating func headers() throws(TelemetrySettingsError) -> [(name: String, value: String)] {
        guard let (name, text) = traces("HEADERS") else { return [] }
        var headers: [(name: String, value: String)] = []
        for pair in Self.pairs(text) {
            // The value may be a key, so it is not repeated in the error.
            guard let pair, ClientRequest.isFieldName(pair.name) else {
                throw TelemetrySettingsError(
                    variable: name, text: "no list of headers; write NAME=VALUE,NAME=VALUE")
            }
            headers.append(pair)
        }
        return headers
    }

    func tls() -> TLSClientContext.Settings {
        var settings = TLSClientContext.Settings()
        settings.authorityFile = traces("CERTIFICATE")?.text
        settings.certificateFile = traces("CLIENT_CERTIFICATE")?.text
        settings.keyFile = traces("CLIENT_KEY")?.text
        return settings
    }

    mutating func refuseCompression() {
        if let (name, text) = traces("COMPRESSION"), text.lowercased() != "none" {
            warn(name, text, "not offered; traces are sent uncompressed")
        }
    }

    // MARK: How many

    mutating func milliseconds(forTraces suffix: String, default standard: Duration) -> Duration {
        guard let (name, _) = traces(suffix) else { return standard }
        return milliseconds(name, default: standard)
    }

    /// 1 ms to one day.
    mutating func milliseconds(_ name: String, default standard: Duration) -> Duration {
        guard let text = self[name] else { return standard }
        guard let value = Int64(text), (1...86_400_000).contains(value) else {
            warn(name, text, "write milliseconds; \(standard.milliseconds) is used")
            return standard
        }
        return .milliseconds(value)
    }

    /// 1 to a million.
    mutating func count(_ name: String, default standard: Int) -> Int {
        guard let text = self[name] else { return standard }
        guard let value = Int(text), (1...1_000_000).contains(value) else {
            warn(name, text, "write a number from 1 to 1000000; \(standard) is used")
            return standard
        }
        return value
    }

    mutating func sampler() -> Sampler {
        guard let text = self["OTEL_TRACES_SAMPLER"] else { return Sampler() }
        switch text.lowercased() {
        case "always_on": return Sampler(.always, followsParent: false)
        case "always_off": return Sampler(.never, followsParent: false)
        case "traceidratio": return Sampler(.ratio(ratio()), followsParent: false)
        case "parentbased_always_on": return Sampler(.always)
        case "parentbased_always_off": return Sampler(.never)
        case "parentbased_traceidratio": return Sampler(.ratio(ratio()))
        default:
            warn("OTEL_TRACES_SAMPLER", text, "unknown; parentbased_always_on is used")
            return Sampler()
        }
    }

    private mutating func ratio() -> Double {
        guard let text = self["OTEL_TRACES_SAMPLER_ARG"] else { return 1 }
        guard let value = Double(text), (0...1).contains(value) else {
            warn("OTEL_TRACES_SAMPLER_ARG", text, "write a share from 0 to 1; 1 is used")
            return 1
        }
        return value
    }

    // MARK: Who

    /// A list that is not well formed is ignored as a whole.
    mutating func resourceAttributes() -> [(name: String, value: String)] {
        let name = "OTEL_RESOURCE_ATTRIBUTES"
        guard let text = self[name] else { return [] }
        let pairs = Self.pairs(text)
        if pairs.contains(where: { $0 == nil }) {
            warn(name, text, "ignored; write NAME=VALUE,NAME=VALUE")
            return []
        }
        return pairs.compactMap { $0 }
    }

    /// The members of a list; nil for one that is none.
    private static func pairs(_ text: String) -> [(name: String, value: String)?] {
        text.split(separator: ",").map { member in
            let parts = member.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let name = String(parts[0]).trimmingBlanks
            guard !name.isEmpty, let decoded = String(parts[1]).trimmingBlanks.percentDecoded
            else { return nil }
            return (name, decoded)
        }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let blanks: Set<Character> = [" ", "\t"]
        let tail = drop { blanks.contains($0) }
        return String(tail.reversed().drop { blanks.contains($0) }.reversed())
    }

    /// Nil if an escape is incomplete or the result is not UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
