// ConfigurationText: the settings table as people read it: --help, `config show`, `config docs`.
//
// Thread: pure functions.  Allocates: freely.

enum ConfigurationText {
    /// The flags, one per line, for `contoso serve --help`.
    static func flagHelp() -> String {
        let rows = Settings.all.compactMap { setting -> (String, String)? in
            guard let flag = setting.flag else { return nil }
            let form = setting.isSwitch ? flag : "\(flag) \(setting.placeholder)"
            return (form, setting.summary + defaultNote(setting))
        }
        let width = rows.map { $0.0.count }.max() ?? 0
        return rows.map { "  " + padded($0.0, to: width) + "  " + $0.1 + "\n" }.joined()
    }

    private static func defaultNote(_ setting: Setting) -> String {
        guard let text = setting.defaultText, !setting.isSwitch else { return "" }
        let dev = setting.developmentText.map { "; \($0) with --dev" } ?? ""
        return " [\(text)\(dev)]"
    }

    /// The values in force as `name = value`, with their origins on demand; secrets are stars.
    static func show(_ loaded: LoadedConfiguration, withOrigin: Bool) -> String {
        let rows = Settings.all.map { setting -> (name: String, value: String, origin: String) in
            guard let given = loaded.texts[setting.name] else { return (setting.name, "", "unset") }
            return (setting.name, setting.shown(given.text), given.origin)
        }
        let nameWidth = rows.map(\.name.count).max() ?? 0
        let valueWidth = min(40, rows.map(\.value.count).max() ?? 0)
        return rows.map { row in
            let start = padded(row.name, to: nameWidth) + " = "
            return withOrigin
                ? "\(start)\(padded(row.value, to: valueWidth))  # \(row.origin)\n"
                : "\(start)\(row.value)\n"
        }.joined()
    }

    /// The table of docs/OPERATIONS.md.
    static func docs() -> String {
        var text = "| Setting | Flag | Variable | Also read | Default | Meaning |\n"
        text += "|---|---|---|---|---|---|\n"
        for setting in Settings.all {
            let flag = setting.flag.map { code("\($0) \(setting.placeholder)") } ?? "none: a secret"
            let variable =
                code(setting.variable)
                + (setting.secrecy == .open ? "" : ", " + code(setting.variable + "_FILE"))
            let aliases = setting.aliases.map { code($0.variable) }.joined(separator: ", ")
            text += "| \(code(setting.name)) | \(flag) | \(variable) | \(aliases) "
            text += "| \(defaultCell(setting)) | \(setting.summary) |\n"
        }
        return text
    }

    private static func defaultCell(_ setting: Setting) -> String {
        let always = setting.defaultText.map(code) ?? "unset"
        guard let dev = setting.developmentText else { return always }
        let shown = setting.secrecy == .secret ? "the documented development key" : code(dev)
        return "\(always); with `--dev` \(shown)"
    }

    private static func code(_ text: String) -> String { "`\(SettingValue.trimmed(text))`" }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
