// ConfigCommand: `contoso config show|check|docs`.
//
// Thread: the main thread.

enum ConfigCommand {
    static let command = Command(
        name: "config", operands: "show [--origin] | check | docs",
        summary: "Print the settings in force, check them, or document them",
        details: """
            show    the value of every setting; --origin adds where it came from; secrets are ***
            check   what `serve` would refuse, and nothing else
            docs    all settings as a table
            Takes the flags of `contoso serve` as well.
            """,
        flags: ["--config"], switches: ["--origin"], takesWords: true
    ) { run($0) }

    private static func run(_ input: CommandInput) -> ExitCode {
        switch input.flags.operands {
        case ["show"]: return show(input)
        case ["check"]: return check(input)
        case ["docs"]:
            Terminal.say(ConfigurationText.docs())
            return .success
        default:
            Terminal.complain("config: write contoso config show, check or docs")
            return .usage
        }
    }

    private static func show(_ input: CommandInput) -> ExitCode {
        switch input.load(.show) {
        case .failure(let request): return request.code
        case .success(let loaded):
            let withOrigin = input.flags.own["--origin"] != nil
            Terminal.say(ConfigurationText.show(loaded, withOrigin: withOrigin))
            return .success
        }
    }

    private static func check(_ input: CommandInput) -> ExitCode {
        switch input.load(.serve) {
        case .failure(let request): return request.code
        case .success(let loaded):
            for warning in loaded.warnings { Terminal.complain("warning: \(warning)") }
            Terminal.say("configuration is good")
            return .success
        }
    }
}
