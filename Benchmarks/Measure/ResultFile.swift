// ResultFile: results as JSON: one as an object; several as an array, or one after the other.
//
// Thread: any.  Allocates: freely; never while a clock runs.
// Source: RFC 8259; the schema is Benchmarks/result.schema.json.

import Foundation

/// Why a file is no result; the text says which file.
public struct ResultFileError: Error, CustomStringConvertible {
    public let description: String
}

public enum ResultFile {
    /// Keys in alphabetical order, so that two files can be compared by line.
    /// - Throws: if a metric is not finite; JSON has no such number.
    public static func encode(_ result: RunResult) throws(ResultFileError) -> String {
        try encode(any: result)
    }

    public static func encode(_ results: [RunResult]) throws(ResultFileError) -> String {
        try encode(any: results)
    }

    private static func encode(any value: some Encodable) throws(ResultFileError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw ResultFileError(description: "the result cannot be written: \(error)")
        }
    }

    /// - Parameter name: of the file, for the error.
    /// - Returns: at least one result; all histograms can be decoded.
    public static func decode(
        _ json: String, name: String
    ) throws(ResultFileError) -> [RunResult] {
        var results: [RunResult] = []
        do {
            if json.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
                results = try JSONDecoder().decode([RunResult].self, from: Data(json.utf8))
            } else {
                for object in objects(json) {
                    results.append(
                        try JSONDecoder().decode(RunResult.self, from: Data(object.utf8)))
                }
            }
        } catch {
            throw ResultFileError(
                description: "\(name) is no result of bench: \(reason(error))")
        }
        guard !results.isEmpty else { throw ResultFileError(description: "\(name) is empty") }
        for result in results { try check(result, name) }
        return results
    }

    /// - Throws: also if the file cannot be read.
    public static func read(_ path: String) throws(ResultFileError) -> [RunResult] {
        let json: String
        do {
            json = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ResultFileError(
                description: "cannot read \(path): it is missing, not readable, or no text")
        }
        return try decode(json, name: path)
    }

    /// Objects one after the other, each of which begins a line; inside of one no line does so,
    /// be it written on one line or indented.
    private static func objects(_ json: String) -> [String] {
        var objects: [String] = []
        for line in json.split(separator: "\n") {
            if line.hasPrefix("{") || objects.isEmpty {
                objects.append(String(line))
            } else {
                objects[objects.count - 1] += "\n" + line
            }
        }
        return objects
    }

    private static func check(_ result: RunResult, _ name: String) throws(ResultFileError) {
        guard result.schema == RunResult.currentSchema else {
            throw ResultFileError(
                description: "\(name) has the schema \(result.schema); this bench reads "
                    + RunResult.currentSchema)
        }
        for (latency, summary) in result.latencies {
            do {
                _ = try summary.decoded()
            } catch {
                throw ResultFileError(
                    description: "\(name): the histogram of \(latency) is damaged (\(error))")
            }
        }
    }

    private static func reason(_ error: any Error) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            keys.isEmpty ? "" : " in \(keys.map(\.stringValue).joined(separator: "."))"
        }
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            return "\"\(key.stringValue)\" is missing" + path(context.codingPath)
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .dataCorrupted(let context):
            return context.debugDescription + path(context.codingPath)
        default: return "\(error)"
        }
    }
}
