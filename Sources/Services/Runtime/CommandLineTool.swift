// CommandLineTool: `contoso COMMAND …`, from the words to the exit code.
//
// Thread: the main thread.  Allocates: freely.

import Glibc

/// One subcommand.
struct Command: Sendable {
    let name: String
    /// What follows the name in its usage line.
    let operands: String
    let summary: String
    /// More lines for its own --help.
    var details = ""
    /// Flags of its own that take a value, and those that take none.
    var flags: [String] = []
    var switches: [String] = []
    /// Whether words that are no flags mean something to it.
    var takesWords = false
    let run: @Sendable (CommandInput) -> ExitCode
}

/// What a command gets to work with.
struct CommandInput {
    let flags: CommandLineFlags
    let environment: [String: String]

    var sources: ConfigurationSources {
        ConfigurationSources(
            flags: flags, environment: environment, readFile: FileAccess.read,
            directoryExists: FileAccess.isDirectory)
    }

    /// The configuration, or nil after every problem is printed.
    func load(_ purpose: ConfigurationPurpose) -> Result<LoadedConfiguration, ExitRequest> {
        do throws(ConfigurationError) {
            return .success(try ConfigurationLoader.load(sources, for: purpose))
        } catch {
            for problem in error.problems { Terminal.complain(problem.description) }
            return .failure(ExitRequest(code: error.exitCode))
        }
    }
}

/// The command is over; everything worth saying is said.
struct ExitRequest: Error {
    let code: ExitCode
}

public enum CommandLineTool {
    public static let version = "0.1.0"

    static let commands: [Command] = [
        ServeCommand.command, MigrateCommand.command, TokenCommand.command, ConfigCommand.command,
        HealthCommand.command, versionCommand, helpCommand,
    ]

    private static let versionCommand = Command(
        name: "version", operands: "", summary: "Print the version"
    ) { _ in printVersion() }

    private static let helpCommand = Command(
        name: "help", operands: "[COMMAND]", summary: "Explain a command", takesWords: true
    ) { input in
        guard let name = input.flags.operands.first else { return printHelp() }
        guard let command = command(named: name) else { return refuse(name) }
        return printHelp(for: command)
    }

    /// Runs the command that `arguments` (without the program's name) ask for.
    public static func run(arguments: [String], environment: [String: String]) -> ExitCode {
        guard let name = arguments.first else {
            _ = printHelp(to: .standardError)
            return .usage
        }
        if name == "-h" || name == "--help" { return printHelp() }
        if name == "-V" || name == "--version" { return printVersion() }
        guard let command = command(named: name) else { return refuse(name) }
        let flags = CommandLineFlags(
            Array(arguments.dropFirst()), ownFlags: command.flags, ownSwitches: command.switches)
        if flags.asksForHelp { return printHelp(for: command) }
        if flags.asksForVersion { return printVersion() }
        if !command.takesWords, let extra = flags.operands.first {
            Terminal.complain("\(extra): contoso \(command.name) takes flags only")
            return .usage
        }
        return command.run(CommandInput(flags: flags, environment: environment))
    }

    private static func command(named name: String) -> Command? {
        commands.first { $0.name == name }
    }

    private static func refuse(_ name: String) -> ExitCode {
        let nearest = NearestName.of(name, among: commands.map(\.name))
        let hint = nearest.map { "did you mean \($0)?" } ?? "`contoso help` lists them"
        Terminal.complain("\(name): no such command; \(hint)")
        return .usage
    }

    private static func printVersion() -> ExitCode {
        Terminal.say("contoso \(version)")
        return .success
    }

    private static func printHelp(to stream: Terminal.Stream = .standardOutput) -> ExitCode {
        var text = "Usage: contoso COMMAND [FLAGS]\n\nAn event-driven order platform.\n\n"
        for command in commands {
            let gap = String(repeating: " ", count: 10 - command.name.count)
            text += "  \(command.name)\(gap)\(command.summary)\n"
        }
        text += "\n`contoso COMMAND --help` explains one."
        Terminal.say(text, to: stream)
        return .success
    }

    private static func printHelp(for command: Command) -> ExitCode {
        let operands = command.operands.isEmpty ? "" : " " + command.operands
        Terminal.say("Usage: contoso \(command.name)\(operands)\n\n\(command.summary).")
        if !command.details.isEmpty { Terminal.say("\n" + command.details) }
        return .success
    }
}
