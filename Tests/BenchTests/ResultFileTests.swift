import Foundation
import Testing

@testable import Measure

@Suite struct ResultFileTests {
    @Test func `one result and several come back`() throws {
        let results = [ResultFixture.result(1), ResultFixture.result(2)]

        #expect(try ResultFile.decode(ResultFile.encode(results[0]), name: "f") == [results[0]])
        #expect(try ResultFile.decode(ResultFile.encode(results), name: "f") == results)
    }

    @Test func `results one after the other are read, on a line each or indented`() throws {
        let results = [ResultFixture.result(1), ResultFixture.result(2)]
        let indented = try results.map { try ResultFile.encode($0) }.joined(separator: "\n")
        let lines = try results.map {
            String(decoding: try JSONEncoder().encode($0), as: UTF8.self) + "\n"
        }.joined()

        #expect(try ResultFile.decode(indented, name: "f") == results)
        #expect(try ResultFile.decode(lines, name: "f") == results)
    }

    @Test func `each broken-off file is refused`() throws {
        var result = ResultFixture.result()
        result.latencies = [:]
        let json = try ResultFile.encode(result)
        for count in 0..<json.utf8.count - 1 {
            #expect(throws: ResultFileError.self) {
                try ResultFile.decode(String(json.prefix(count)), name: "f")
            }
        }
    }

    @Test func `the error names the file and what is missing`() throws {
        let json = try ResultFile.encode(ResultFixture.result())

        func message(_ json: String) -> String? {
            #expect(throws: ResultFileError.self) {
                try ResultFile.decode(json, name: "a.json")
            }?.description
        }
        #expect(
            message(json.replacingOccurrences(of: "\"scenario\"", with: "\"szenario\""))
                == "a.json is no result of bench: \"scenario\" is missing")
        #expect(
            message(json.replacingOccurrences(of: "contoso-bench/1", with: "contoso-bench/2"))
                == "a.json has the schema contoso-bench/2; this bench reads contoso-bench/1")
        #expect(message("[]") == "a.json is empty")
    }

    @Test func `a damaged histogram is found when the file is read`() {
        var result = ResultFixture.result()
        result.latencies["fanout"]!.histogram = "HISTFAAA"
        #expect(throws: ResultFileError.self) {
            try ResultFile.decode(ResultFile.encode(result), name: "f")
        }
    }

    @Test func `a metric that is no number cannot be written`() {
        var result = ResultFixture.result()
        result.metrics["ratio"] = .nan
        #expect(throws: ResultFileError.self) { try ResultFile.encode(result) }
    }
}

/// Benchmarks/result.schema.json against what is really written.
@Suite struct ResultSchemaTests {
    private typealias Object = [String: Any]

    private static func schema() throws -> Object {
        let file = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Benchmarks/result.schema.json")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? Object)
    }

    private static func written(_ result: RunResult) throws -> Object {
        let json = try ResultFile.encode(result)
        return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? Object)
    }

    /// What a value breaks of the part of JSON Schema that ours uses.
    private static func breaches(_ value: Any, _ schema: Object, _ root: Object, _ path: String)
        -> [String]
    {
        if let reference = schema["$ref"] as? String {
            let definitions = root["$defs"] as? Object
            let name = String(reference.dropFirst("#/$defs/".count))
            guard let target = definitions?[name] as? Object else { return ["\(path): \(name)"] }
            return breaches(value, target, root, path)
        }
        var found: [String] = []
        if let constant = schema["const"] as? String, value as? String != constant {
            found.append("\(path) is not \(constant)")
        }
        if let choices = schema["enum"] as? [String], !choices.contains(value as? String ?? "") {
            found.append("\(path) is none of \(choices)")
        }
        switch schema["type"] as? String {
        case "string" where !(value is String): found.append("\(path) is no text")
        case "number" where !(value is NSNumber): found.append("\(path) is no number")
        case "integer"
        where (value as? NSNumber).map { $0.doubleValue.rounded() != $0.doubleValue }
            ?? true:
            found.append("\(path) is no whole number")
        case "array":
            guard let items = value as? [Any] else { return ["\(path) is no array"] }
            let schema = schema["items"] as? Object ?? [:]
            for (index, item) in items.enumerated() {
                found += breaches(item, schema, root, "\(path)[\(index)]")
            }
        case "object":
            guard let members = value as? Object else { return ["\(path) is no object"] }
            found += objectBreaches(members, schema, root, path)
        default: break
        }
        return found
    }

    private static func objectBreaches(
        _ members: Object, _ schema: Object, _ root: Object, _ path: String
    ) -> [String] {
        var found: [String] = []
        for name in schema["required"] as? [String] ?? [] where members[name] == nil {
            found.append("\(path).\(name) is missing")
        }
        let properties = schema["properties"] as? Object ?? [:]
        for (name, member) in members {
            let known = (properties[name] ?? schema["additionalProperties"]) as? Object
            // Unknown members are allowed to others, but not to us: the schema must say all.
            guard let known else {
                found.append("\(path).\(name) is not in the schema")
                continue
            }
            found += breaches(member, known, root, "\(path).\(name)")
        }
        return found
    }

    private static func breaches(of result: Object) throws -> [String] {
        let schema = try schema()
        return breaches(result, ["$ref": "#/$defs/result"], schema, "result")
    }

    @Test func `what is written is what the schema says, and all of it`() throws {
        #expect(try Self.breaches(of: Self.written(ResultFixture.result())) == [])
    }

    @Test func `a result without a commit is one too`() throws {
        var result = ResultFixture.result()
        result.commit = nil
        #expect(try Self.breaches(of: Self.written(result)) == [])
    }

    @Test func `the schema refuses what is wrong`() throws {
        let written = try Self.written(ResultFixture.result())
        for name in written.keys where name != "commit" {
            var damaged = written
            damaged[name] = nil
            #expect(try Self.breaches(of: damaged) == ["result.\(name) is missing"])
        }
        var damaged = written
        damaged["schema"] = "contoso-bench/2"
        damaged["seconds"] = ["none"]
        #expect(
            try Set(Self.breaches(of: damaged)) == [
                "result.schema is not contoso-bench/1", "result.seconds[0] is no object",
            ])
    }
}
