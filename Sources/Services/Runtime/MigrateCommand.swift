// MigrateCommand: `contoso migrate`, which brings the database to the schema of this build.
//
// Thread: the main thread; blocks.

import Loop

enum MigrateCommand {
    static let command = Command(
        name: "migrate", operands: "[--data DIR] [--database URL]",
        summary: "Create the database or bring it up to date, then exit",
        details: "`serve` does the same when it starts; run this first where several share one.",
        flags: ["--config"]
    ) { input in
        switch input.load(.data) {
        case .failure(let request): request.code
        case .success(let loaded): Server.migrate(loaded.values)
        }
    }
}
