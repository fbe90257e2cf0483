// AgentMessages: what the coordinator and an agent say to each other, a line of JSON each.
//
//   coordinator ── setup, open, begin, end ──▶ agent (stdin)
//               ◀── opened, begun, progress …, completed …, ended ── (stdout)
//
// The coordinator's end of the pipe closing is an agent's order to go.
//
// Thread: pure values.  Allocates: JSON.

import FoundationEssentials
import Measure

enum AgentCommand: Codable, Equatable, Sendable {
    case setup(AgentSetup)
    /// Opens the connections.
    case open
    /// The measured time starts at this moment of CLOCK_MONOTONIC; the agent's own load too.
    case begin(atNanoseconds: UInt64)
    /// The agent's own load stops; connections stay.
    case rest
    /// Nothing more is published: counts what is missing, says `ended`.
    case end(publishedCount: Int)
}

enum AgentReport: Codable, Sendable {
    /// Each connection is open or has failed.
    case opened
    /// The answer to `begin`: what comes from now on counts.
    case begun
    /// Once a second, and before `opened` and `ended`.
    case progress(Progress)
    /// Broadcasts that have reached every connection of this agent.
    case completed([Completion])
    case ended
    /// The agent cannot work; it goes.
    case failed(String)

    struct Completion: Codable, Equatable, Sendable {
        var sequence: UInt32
        /// From the intended time to the last recipient.
        var lastNanoseconds: UInt64
    }

    /// Everything since the last one.
    struct Progress: Sendable {
        var tally = Tally()
        var readings = Readings()
        /// How often each thing went wrong.
        var errors: [String: Int] = [:]

        mutating func add(_ other: Progress) {
            tally.add(other.tally)
            readings.add(other.readings)
            errors.merge(other.errors, uniquingKeysWith: +)
        }
    }
}

extension AgentReport.Progress: Codable {
    private enum Key: String, CodingKey { case tally, readings, errors }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        tally = try container.decode(Tally.self, forKey: .tally)
        errors = try container.decode([String: Int].self, forKey: .errors)
        for (name, text) in try container.decode([String: String].self, forKey: .readings) {
            guard let reading = Reading.allCases.first(where: { $0.name == name }) else { continue }
            readings.add(reading, try Histogram(base64: text))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tally, forKey: .tally)
        try container.encode(errors, forKey: .errors)
        var texts: [String: String] = [:]
        for reading in Reading.allCases {
            if let histogram = readings[reading] { texts[reading.name] = histogram.base64 }
        }
        try container.encode(texts, forKey: .readings)
    }
}

/// One value per line.
enum JSONLine {
    /// With its newline.
    static func encode(_ value: some Encodable) -> [UInt8] {
        // Our own types hold nothing JSON cannot say.
        guard let data = try? JSONEncoder().encode(value) else {
            preconditionFailure("a message cannot be encoded")
        }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, _ line: some Collection<UInt8>
    ) throws(BenchError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch {
            throw BenchError(
                description: "a message is malformed: \(String(decoding: line, as: UTF8.self))")
        }
    }
}
