// ConfigurationFile: a JSON file with comments, flattened to setting names and texts.
//
//   {                                          jwt.clock-skew  = 30s
//     // comments to the end of a line   ──▶   limits.body     = 1MiB
//     "Jwt": { "ClockSkew": "30s" },           roles           = accept,process
//     "limits": { "body": "1MiB" },
//     "roles": ["accept", "process"]
//   }
//
// Names are compared without case, `-` and `_`, so an appsettings.json of the .NET system reads as
// well: its sections are our aliases.
//
// Thread: start-up only.  Allocates: freely.

import Hub

struct ConfigurationFile {
    /// By setting name, in the table's order.
    private(set) var values: [(name: String, text: String)] = []
    private(set) var problems: [ConfigurationProblem] = []
    private let path: String

    init(_ text: String, path: String) {
        self.path = path
        let bytes = Self.withoutComments(Array(text.utf8))
        do throws(JSONError) {
            if case .object(let root) = try JSONValue(parsing: bytes, depthMax: 8) {
                take(root, prefix: "")
            } else {
                problems.append(.init(.configuration, path, "is JSON, but not a JSON object"))
            }
        } catch {
            problems.append(
                .init(
                    .configuration, path,
                    "is not JSON, to which // comments are the one extension: \(error)"))
        }
    }

    private mutating func take(_ object: JSONValue.Object, prefix: String) {
        for (name, value) in object.members {
            let full = prefix.isEmpty ? name : "\(prefix).\(name)"
            switch value {
            case .object(let inner): take(inner, prefix: full)
            case .null: break
            case .string(let text): assign(full, text)
            case .number(let text): assign(full, text)
            case .boolean(let flag): assign(full, flag ? "true" : "false")
            case .array(let items): assignList(full, items)
            }
        }
    }

    private mutating func assignList(_ name: String, _ items: [JSONValue]) {
        var texts: [String] = []
        for case .string(let text) in items { texts.append(text) }
        guard texts.count == items.count else {
            refuse(name, "may list texts only")
            return
        }
        assign(name, texts.joined(separator: ","))
    }

    private mutating func assign(_ name: String, _ text: String) {
        guard let (setting, alias) = Self.setting(named: name) else {
            let nearest = NearestName.of(name, among: Settings.all.map(\.name))
            let hint = nearest.map { "did you mean \($0)?" } ?? "`contoso config docs` lists them"
            refuse(name, "no such setting; \(hint)")
            return
        }
        guard let value = alias == nil ? text : alias?.translate(text) else { return }
        if values.contains(where: { $0.name == setting.name }) {
            refuse(name, "is set twice in this file; keep one")
            return
        }
        values.append((name: setting.name, text: value))
    }

    private mutating func refuse(_ name: String, _ text: String) {
        problems.append(.init(.configuration, "\(path): \(name)", text))
    }

    private static func setting(named name: String) -> (Setting, Setting.Alias?)? {
        let wanted = folded(name)
        for setting in Settings.all {
            if folded(setting.name) == wanted { return (setting, nil) }
            for alias in setting.aliases where folded(alias.variable) == wanted {
                return (setting, alias)
            }
        }
        return nil
    }

    /// Lower case without separators: `Jwt__SigningKey`, `jwt.signing-key` → `jwtsigningkey`.
    private static func folded(_ name: String) -> String {
        name.lowercased().filter { $0 != "." && $0 != "-" && $0 != "_" }
    }

    /// Blanks out `//` to the end of its line, outside strings. Positions stay as they were.
    static func withoutComments(_ bytes: [UInt8]) -> [UInt8] {
        enum Place { case code, string, escape, comment }
        var place = Place.code
        var bytes = bytes
        for index in bytes.indices {
            let byte = bytes[index]
            switch (place, byte) {
            case (.code, UInt8(ascii: "\"")): place = .string
            case (.code, UInt8(ascii: "/")):
                guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") else { break }
                place = .comment
                bytes[index] = UInt8(ascii: " ")
            case (.string, UInt8(ascii: "\\")): place = .escape
            case (.string, UInt8(ascii: "\"")): place = .code
            case (.escape, _): place = .string
            case (.comment, UInt8(ascii: "\n")): place = .code
            case (.comment, _): bytes[index] = UInt8(ascii: " ")
            default: break
            }
        }
        return bytes
    }
}
