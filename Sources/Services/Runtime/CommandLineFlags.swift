// CommandLineFlags: the words after the command, sorted into settings, operands and questions.
//
//   --name=value   --name value   --switch   --no-switch   -h --help   -V --version   -- operand
//
// Thread: a pure value.  Allocates: per flag.

struct CommandLineFlags {
    struct Given: Equatable {
        /// As it was typed, for errors and for `config show --origin`.
        let flag: String
        let value: String
    }

    /// By setting name; the last one wins, as shells' users expect.
    private(set) var settings: [String: Given] = [:]
    /// By flag, for the flags a command has of its own (`--user`).
    private(set) var own: [String: String] = [:]
    private(set) var operands: [String] = []
    private(set) var asksForHelp = false
    private(set) var asksForVersion = false
    private(set) var problems: [ConfigurationProblem] = []

    /// Reads all words, whatever is wrong with some.
    ///
    /// - Parameter ownFlags: the command's own flags that take a value, and those that take none.
    init(_ words: [String], ownFlags: [String] = [], ownSwitches: [String] = []) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "-h", "--help": asksForHelp = true
            case "-V", "--version": asksForVersion = true
            case "--":
                operands += rest
                rest = []
            case _ where word.hasPrefix("-") && word != "-":
                take(word, &rest, ownFlags: ownFlags, ownSwitches: ownSwitches)
            default: operands.append(word)
            }
        }
    }

    private mutating func take(
        _ word: String, _ rest: inout ArraySlice<String>, ownFlags: [String], ownSwitches: [String]
    ) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let flag = String(parts[0])
        var value = parts.count == 2 ? String(parts[1]) : nil
        if value == nil, ownSwitches.contains(flag) {
            own[flag] = "true"
            return
        }
        let setting = Settings.all.first { $0.flag == flag }
        if let setting, setting.isSwitch {
            settings[setting.name] = Given(flag: flag, value: value ?? "true")
            return
        }
        if let negated = Self.negated(flag), value == nil {
            settings[negated.name] = Given(flag: flag, value: "false")
            return
        }
        guard setting != nil || ownFlags.contains(flag) else {
            problems.append(Self.unknown(flag, ownFlags + ownSwitches))
            // What follows belongs to it and would only add a second, misleading problem.
            if value == nil, let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
            return
        }
        if value == nil, let next = rest.first, !next.hasPrefix("--") { value = rest.popFirst() }
        guard let value else {
            let form = setting?.placeholder ?? "VALUE"
            problems.append(.init(.usage, flag, "needs a value; write \(flag) \(form)"))
            return
        }
        if let setting {
            settings[setting.name] = Given(flag: flag, value: value)
        } else {
            own[flag] = value
        }
    }

    private static func negated(_ flag: String) -> Setting? {
        guard flag.hasPrefix("--no-") else { return nil }
        let positive = "--" + flag.dropFirst("--no-".count)
        return Settings.all.first { $0.isSwitch && $0.flag == positive }
    }

    private static func unknown(_ flag: String, _ ownFlags: [String]) -> ConfigurationProblem {
        if let secret = Settings.all.first(where: { isSecret($0, flag) }) {
            return .init(
                .usage, flag,
                "a secret is never a flag; set \(secret.variable) or \(secret.variable)_FILE")
        }
        let known = Settings.all.compactMap(\.flag) + ownFlags + ["--help", "--version"]
        if let nearest = NearestName.of(flag, among: known) {
            return .init(.usage, flag, "no such flag; did you mean \(nearest)?")
        }
        return .init(.usage, flag, "no such flag; --help lists them")
    }

    /// Whether `flag` is what the secret's flag would be called, in full or without its group.
    private static func isSecret(_ setting: Setting, _ flag: String) -> Bool {
        guard setting.secrecy == .secret else { return false }
        let words = setting.name.split(separator: ".")
        return flag == "--" + words.joined(separator: "-") || flag == "--" + words[words.count - 1]
    }
}
