// Log: one JSON object per line on stderr.
//
//   {"ts":"2026-02-04T10:12:45.123456Z","level":"info","logger":"accept","msg":"order accepted",
//    "correlation_id":"0a5d…","order_id":17}
//
// A person at a terminal gets text instead: `10:12:45 info accept: order accepted correlation_id=…`
//
// Thread: any; one write(2) per line.  Allocates: only when the level is on.

import CLinux
import Glibc
import Synchronization

public enum LogLevel: Int, Sendable, CaseIterable {
    case debug, info, warning, error

    public var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }
}

/// One member of a log line.
public struct LogField: Sendable {
    public enum Value: Sendable { case string(String), integer(Int64), boolean(Bool) }
    public let name: StaticString
    public let value: Value

    public static func string(_ name: StaticString, _ value: String) -> Self {
        Self(name: name, value: .string(value))
    }
    public static func integer(_ name: StaticString, _ value: some BinaryInteger) -> Self {
        Self(name: name, value: .integer(Int64(clamping: value)))
    }
    public static func boolean(_ name: StaticString, _ value: Bool) -> Self {
        Self(name: name, value: .boolean(value))
    }
    /// The id that follows one order through all services.
    public static func correlation(_ id: String) -> Self { .string("correlation_id", id) }
    /// Why something failed, in words for the operator.
    public static func reason(_ text: String) -> Self { .string("reason", text) }
}

/// A named source of log lines.
public struct Log: Sendable {
    private static let threshold = Atomic<Int>(LogLevel.info.rawValue)

    /// The lowest level that is written; for the whole process.
    public static var level: LogLevel {
        get { LogLevel(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
        set { threshold.store(newValue.rawValue, ordering: .relaxed) }
    }

    public let logger: StaticString

    public init(_ logger: StaticString) { self.logger = logger }

    public func debug(_ message: StaticString, _ fields: @autoclosure () -> [LogField] = []) {
        write(.debug, message, fields)
    }
    public func info(_ message: StaticString, _ fields: @autoclosure () -> [LogField] = []) {
        write(.info, message, fields)
    }
    public func warning(_ message: StaticString, _ fields: @autoclosure () -> [LogField] = []) {
        write(.warning, message, fields)
    }
    public func error(_ message: StaticString, _ fields: @autoclosure () -> [LogField] = []) {
        write(.error, message, fields)
    }

    private func write(_ level: LogLevel, _ message: StaticString, _ fields: () -> [LogField]) {
        guard level.rawValue >= Self.threshold.load(ordering: .relaxed) else { return }
        let now = SystemTime().wallNow
        var line =
            Self.isTerminal
            ? Self.text(at: now, level: level, logger: logger, message: message, fields: fields())
            : Self.line(at: now, level: level, logger: logger, message: message, fields: fields())
        // A log that cannot be written has nobody to tell; the program goes on.
        line.withUTF8 { _ = clinux_write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static let isTerminal = isatty(STDERR_FILENO) == 1

    /// One line for a person, with the time in UTC.
    static func text(
        at time: WallTime, level: LogLevel, logger: StaticString, message: StaticString,
        fields: [LogField]
    ) -> String {
        // "2026-02-04T10:12:45.123456Z": the clock stands at 11..<19.
        var line = String(time.description.dropFirst(11).prefix(8))
        line += " \(level.name) \(logger): \(message)"
        for field in fields {
            line += " \(field.name)="
            switch field.value {
            case .string(let text) where text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }:
                line += text
            case .string(let text): appendQuoted(text, to: &line)
            case .integer(let number): line += String(number)
            case .boolean(let flag): line += flag ? "true" : "false"
            }
        }
        return line + "\n"
    }

    /// The JSON of one line with its newline; no member can break out of its string.
    public static func line(
        at time: WallTime, level: LogLevel, logger: StaticString, message: StaticString,
        fields: [LogField]
    ) -> String {
        var line = "{\"ts\":\""
        time.appendISO8601(to: &line)
        line += "\",\"level\":\"\(level.name)\",\"logger\":\"\(logger)\",\"msg\":"
        appendQuoted(message.description, to: &line)
        for field in fields {
            line += ",\"\(field.name)\":"
            switch field.value {
            case .string(let text): appendQuoted(text, to: &line)
            case .integer(let number): line += String(number)
            case .boolean(let flag): line += flag ? "true" : "false"
            }
        }
        line += "}\n"
        return line
    }

    private static func appendQuoted(_ text: String, to line: inout String) {
        let hex = Array("0123456789abcdef".unicodeScalars)
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                line += "\\u00"
                line.unicodeScalars.append(hex[Int(scalar.value >> 4)])
                line.unicodeScalars.append(hex[Int(scalar.value & 15)])
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}
