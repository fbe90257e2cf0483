// ConfigurationLoader: flags, environment, file and defaults become one Configuration.
//
//   flags ────────┐
//   environment ──┼─▶ one text and origin per setting ─▶ assign ─▶ check together ─▶ Loaded
//   --config FILE ┘         first source wins            (table)     or every problem at once
//   defaults (dev or not)
//
// Thread: start-up only.  Allocates: freely.

/// What the outside world says; a seam, so that tests need no process.
struct ConfigurationSources {
    var flags: CommandLineFlags
    var environment: [String: String]
    /// The file's text, or why it cannot be read.
    var readFile: (String) -> Result<String, SystemReadError>
    var directoryExists: (String) -> Bool

    struct SystemReadError: Error { let reason: String }
}

/// What a command cannot do without.
enum ConfigurationPurpose {
    /// Everything `serve` needs.
    case serve
    /// A key to sign with.
    case token
    /// The engines only.
    case data
    /// Any syntactically right value will do.
    case show
}

/// A configuration with where each value came from.
public struct LoadedConfiguration: Sendable {
    public var values: Configuration
    /// Things that work and still deserve a word in the log.
    public var warnings: [String]
    /// By setting name.
    var texts: [String: SettingText]
}

struct SettingText: Equatable, Sendable {
    let text: String
    /// `--http`, `CONTOSO_HTTP`, `contoso.json: http` or `default`.
    let origin: String
}

struct ConfigurationLoader {
    private let sources: ConfigurationSources
    private var problems: [ConfigurationProblem]
    private var texts: [String: SettingText] = [:]

    static func load(
        _ sources: ConfigurationSources, for purpose: ConfigurationPurpose
    ) throws(ConfigurationError) -> LoadedConfiguration {
        var loader = ConfigurationLoader(sources)
        loader.collect()
        var values = loader.assign()
        if purpose == .serve { loader.readTelemetry(into: &values) }
        var check = ConfigurationCheck(values, loader.texts, purpose)
        // Contradictions between values that could not be read would only repeat the problem.
        if loader.problems.isEmpty { check.run() }
        let problems = loader.problems + check.problems
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return LoadedConfiguration(
            values: check.values, warnings: check.warnings + values.telemetry.warnings,
            texts: loader.texts)
    }

    private init(_ sources: ConfigurationSources) {
        self.sources = sources
        problems = sources.flags.problems
    }

    private mutating func readTelemetry(into values: inout Configuration) {
        do throws(TelemetrySettingsError) {
            values.telemetry = try TelemetrySettings(environment: sources.environment)
        } catch {
            problems.append(.init(.configuration, error.variable, error.text))
        }
    }

    // MARK: Collecting

    private mutating func collect() {
        for setting in Settings.all {
            if let given = sources.flags.settings[setting.name] {
                texts[setting.name] = SettingText(text: given.value, origin: given.flag)
            } else if let found = environmentText(of: setting) {
                texts[setting.name] = found
            }
        }
        refuseUnknownVariables()
        if let path = sources.flags.own["--config"] ?? sources.environment[Self.fileVariable] {
            collectFile(path)
        }
        let isDevelopment =
            (try? SettingValue.boolean(texts["dev"]?.text ?? "false")) ?? false  // told in assign()
        for setting in Settings.all where texts[setting.name] == nil {
            guard let text = setting.defaultText(isDevelopment: isDevelopment) else { continue }
            texts[setting.name] = SettingText(text: text, origin: "default")
        }
        checkWebDirectory()
    }

    static let fileVariable = "CONTOSO_CONFIG"

    /// An empty variable counts as unset, because compose files pass `${NAME}` on as empty text.
    private mutating func environmentText(of setting: Setting) -> SettingText? {
        if let text = sources.environment[setting.variable], !text.isEmpty {
            return SettingText(text: text, origin: setting.variable)
        }
        if let found = secretFileText(of: setting, variable: setting.variable) { return found }
        for alias in setting.aliases {
            if let (name, text) = variable(alias.variable), !text.isEmpty,
                let value = alias.translate(text)
            {
                return SettingText(text: value, origin: name)
            }
            if let found = secretFileText(of: setting, variable: alias.variable) { return found }
        }
        return nil
    }

    /// .NET reads its variables without regard to case.
    private func variable(_ name: String) -> (name: String, value: String)? {
        if let value = sources.environment[name] { return (name, value) }
        let lowercased = name.lowercased()
        let match = sources.environment.first { $0.key.lowercased() == lowercased }
        return match.map { (name: $0.key, value: $0.value) }
    }

    /// A secret from the file that `NAME_FILE` names, without the newline editors leave at its end.
    private mutating func secretFileText(of setting: Setting, variable name: String) -> SettingText?
    {
        let fileVariable = name + "_FILE"
        guard setting.secrecy != .open, let path = variable(fileVariable)?.value,
            !path.isEmpty
        else { return nil }
        switch sources.readFile(path) {
        case .success(let text):
            return SettingText(text: SettingValue.trimmed(text), origin: fileVariable)
        case .failure(let error):
            problems.append(
                .init(.configuration, fileVariable, "\(path) cannot be read: \(error.reason)"))
            return nil
        }
    }

    private mutating func refuseUnknownVariables() {
        var known = [Self.fileVariable]
        for setting in Settings.all {
            let names = [setting.variable] + setting.aliases.map(\.variable)
            known += names.filter { $0.hasPrefix(Setting.variablePrefix) }
            if setting.secrecy != .open { known.append(setting.variable + "_FILE") }
        }
        for name in sources.environment.keys.sorted()
        where name.hasPrefix(Setting.variablePrefix) && !known.contains(name)
            && !Self.testVariablePrefixes.contains(where: name.hasPrefix)
        {
            let nearest = NearestName.of(name, among: known)
            let hint = nearest.map { "did you mean \($0)?" } ?? "`contoso config docs` lists them"
            problems.append(.init(.configuration, name, "no such setting; \(hint)"))
        }
    }

    /// Tests name their servers in variables of ours: those of the .NET system, and our own.
    private static let testVariablePrefixes = ["CONTOSO_IT_", "CONTOSO_TEST_"]

    private mutating func collectFile(_ path: String) {
        let text: String
        switch sources.readFile(path) {
        case .success(let content): text = content
        case .failure(let error):
            problems.append(
                .init(.configuration, "--config", "\(path) cannot be read: \(error.reason)"))
            return
        }
        let file = ConfigurationFile(text, path: path)
        problems += file.problems
        for (name, value) in file.values where texts[name] == nil {
            texts[name] = SettingText(text: value, origin: "\(path): \(name)")
        }
    }

    /// The default is a guess and may be wrong; a directory that was asked for must be there.
    private mutating func checkWebDirectory() {
        guard let web = texts["web"], !web.text.isEmpty, !sources.directoryExists(web.text) else {
            return
        }
        if web.origin == "default" {
            texts["web"] = SettingText(text: "", origin: "default")
        } else {
            problems.append(
                .init(.configuration, web.origin, "\(web.text) is no directory; name the shop's"))
        }
    }

    // MARK: Assigning

    private mutating func assign() -> Configuration {
        var values = Configuration()
        for setting in Settings.all {
            guard let given = texts[setting.name] else { continue }
            do throws(SettingValueError) {
                try setting.assign(given.text, &values)
            } catch {
                problems.append(
                    .init(
                        .configuration, given.origin,
                        "\"\(setting.shown(given.text))\" cannot be used; \(error.fix)"))
            }
        }
        return values
    }
}
