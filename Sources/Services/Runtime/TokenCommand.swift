// TokenCommand: `contoso token`, which prints a token signed with the configured key.
//
// Thread: the main thread.

import Loop

enum TokenCommand {
    static let command = Command(
        name: "token", operands: "--user ID [--minutes N] [--dev]",
        summary: "Print a JSON Web Token for a user",
        details: """
            Signs with CONTOSO_JWT__SIGNING_KEY; with --dev and no key, with the documented
            development key. The claims are those of POST /dev/token.
            """,
        flags: ["--config", "--user", "--minutes"]
    ) { run($0) }

    private static func run(_ input: CommandInput) -> ExitCode {
        guard let user = input.flags.own["--user"].map(SettingValue.trimmed), !user.isEmpty else {
            Terminal.complain("--user: needs the id of a user; write --user CUST-0001")
            return .usage
        }
        var lifetime: Duration?
        if let text = input.flags.own["--minutes"] {
            guard let minutes = Int64(text), (1...1_000_000).contains(minutes) else {
                Terminal.complain("--minutes: write a whole number from 1 to 1000000")
                return .usage
            }
            lifetime = .seconds(minutes * 60)
        }
        switch input.load(.token) {
        case .failure(let request): return request.code
        case .success(let loaded):
            Terminal.say(DevTokens(loaded.values).issue(for: user, lifetime: lifetime).token)
            return .success
        }
    }
}
