// Setting: one row of the settings table, and the names it goes by.
//
//   name       jwt.clock-skew
//   flag       --jwt-clock-skew              none for a secret
//   variable   CONTOSO_JWT__CLOCK_SKEW       and CONTOSO_…_FILE for a secret
//   file       {"jwt": {"clock-skew": "30s"}}     case, - and _ do not matter
//   aliases    the variables of the .NET system this one replaces
//
// Thread: a pure value, any thread.

/// What is known about one setting; the fields it is stored in, its prose, its default.
struct Setting: Sendable {
    /// How much of its value may be shown.
    enum Secrecy: Sendable {
        case open
        /// May contain a password; shown only where the form cannot hold one.
        case connection
        case secret
    }

    /// A variable of the .NET system, and how its text becomes ours.
    struct Alias: Sendable {
        let variable: String
        /// Nil: the text says nothing about this setting.
        let translate: @Sendable (String) -> String?

        init(_ variable: String, translate: @escaping @Sendable (String) -> String? = { $0 }) {
            self.variable = variable
            self.translate = translate
        }
    }

    typealias Assign =
        @Sendable (String, inout Configuration) throws(SettingValueError) -> Void

    /// Lower case, words joined by `-`, groups by `.`.
    let name: String
    /// What stands for the value in --help; empty for a switch, which takes none.
    let placeholder: String
    /// Nil: unset.
    let defaultText: String?
    /// Replaces `defaultText` with --dev.
    let developmentText: String?
    let secrecy: Secrecy
    let aliases: [Alias]
    /// One line for --help and the table in OPERATIONS.md.
    let summary: String
    let assign: Assign

    init(
        _ name: String, _ placeholder: String, default defaultText: String?, dev: String? = nil,
        secrecy: Secrecy = .open, aliases: [Alias] = [], _ summary: String,
        assign: @escaping Assign
    ) {
        self.name = name
        self.placeholder = placeholder
        self.defaultText = defaultText
        developmentText = dev
        self.secrecy = secrecy
        self.aliases = aliases
        self.summary = summary
        self.assign = assign
    }

    var isSwitch: Bool { placeholder.isEmpty }

    /// Nil for a secret: flags are visible to every user of the machine.
    var flag: String? {
        secrecy == .secret ? nil : "--" + name.map { $0 == "." ? "-" : String($0) }.joined()
    }

    /// The environment variable of our own.
    var variable: String { Self.variable(for: name) }

    static let variablePrefix = "CONTOSO_"

    static func variable(for name: String) -> String {
        let words = name.uppercased().map { character -> String in
            switch character {
            case ".": "__"
            case "-": "_"
            default: String(character)
            }
        }
        return variablePrefix + words.joined()
    }

    /// The default in force.
    func defaultText(isDevelopment: Bool) -> String? {
        isDevelopment ? developmentText ?? defaultText : defaultText
    }

    /// `text` as it may appear in an error, a log or `config show`.
    func shown(_ text: String) -> String {
        switch secrecy {
        case .open: text
        case .connection: text == "embedded" || text.hasPrefix("sqlite:") ? text : "***"
        case .secret: "***"
        }
    }
}

// Rows whose value has one of the common forms.
extension Setting {
    typealias Field<Value> = WritableKeyPath<Configuration, Value> & Sendable

    static func text(
        _ name: String, _ placeholder: String, _ field: any Field<String>, default text: String,
        aliases: [Alias] = [], _ summary: String
    ) -> Setting {
        Setting(name, placeholder, default: text, aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            if text.isEmpty { throw SettingValueError("write a text that is not empty") }
            configuration[keyPath: field] = text
        }
    }

    /// An empty text unsets it.
    static func optionalText(
        _ name: String, _ placeholder: String, _ field: any Field<String?>,
        default text: String? = nil,
        aliases: [Alias] = [], _ summary: String
    ) -> Setting {
        Setting(name, placeholder, default: text, aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = text.isEmpty ? nil : text
        }
    }

    /// Items between commas; an empty text is none.
    static func list(
        _ name: String, _ placeholder: String, _ field: any Field<[String]>, _ summary: String
    ) -> Setting {
        Setting(name, placeholder, default: nil, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = SettingValue.list(text)
        }
    }

    static func integer(
        _ name: String, _ field: any Field<Int>, in range: ClosedRange<Int>, default text: String,
        aliases: [Alias] = [], _ summary: String
    ) -> Setting {
        Setting(name, "N", default: text, aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = try SettingValue.integer(text, in: range)
        }
    }

    static func size(
        _ name: String, _ field: any Field<Int>, in range: ClosedRange<Int>, default text: String,
        _ summary: String
    ) -> Setting {
        Setting(name, "SIZE", default: text, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = try SettingValue.size(text, in: range)
        }
    }

    static func duration(
        _ name: String, _ field: any Field<Duration>, in range: ClosedRange<Duration>,
        default text: String, dev: String? = nil, aliases: [Alias] = [], _ summary: String
    ) -> Setting {
        Setting(name, "DURATION", default: text, dev: dev, aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            let value = try SettingValue.duration(text)
            guard range.contains(value) else {
                throw SettingValueError(
                    "write a duration from \(range.lowerBound) to \(range.upperBound)")
            }
            configuration[keyPath: field] = value
        }
    }

    static func address(
        _ name: String, _ field: any Field<ListenAddress?>, default text: String,
        dev: String? = nil, aliases: [Alias] = [], _ summary: String
    ) -> Setting {
        Setting(name, "HOST:PORT", default: text, dev: dev, aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = try SettingValue.address(text)
        }
    }

    static func toggle(
        _ name: String, _ field: any Field<Bool>, default isOn: Bool, aliases: [Alias] = [],
        _ summary: String
    ) -> Setting {
        Setting(name, "", default: isOn ? "true" : "false", aliases: aliases, summary) {
            text, configuration throws(SettingValueError) in
            configuration[keyPath: field] = try SettingValue.boolean(text)
        }
    }
}
