// ServeCommand: `contoso serve`, up to the point where the server takes over.
//
// Thread: the main thread.

import Loop

enum ServeCommand {
    static let command = Command(
        name: "serve", operands: "[FLAGS]", summary: "Run the platform, or some of its roles",
        details: """
            Every flag can also be an environment variable or a member of --config FILE (JSON, //
            comments allowed). Order: flag, environment, file, default. Secrets are never flags:
            set CONTOSO_JWT__SIGNING_KEY or CONTOSO_JWT__SIGNING_KEY_FILE.

              --config FILE

            """ + ConfigurationText.flagHelp(),
        flags: ["--config"]
    ) { input in
        switch input.load(.serve) {
        case .failure(let request): request.code
        case .success(let loaded): run(loaded)
        }
    }

    /// Runs until a signal ends it.
    static func run(_ loaded: LoadedConfiguration) -> ExitCode {
        Log.level = loaded.values.logLevel
        return Server.run(loaded.values, warnings: loaded.warnings)
    }
}
