// Server: the composition root; builds everything from a Configuration and runs it.
//
// Thread: the main thread, which becomes the supervisor.

enum Server {
    /// Runs until a signal ends it.
    static func run(_ configuration: Configuration) -> ExitCode {
        Terminal.complain("serve: this build has no server yet")
        return .failure
    }

    /// Brings the database to the schema of this build.
    static func migrate(_ configuration: Configuration) -> ExitCode {
        Terminal.complain("migrate: this build has no database yet")
        return .failure
    }
}
