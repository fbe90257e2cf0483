// Engines: the storage and messaging behind the roles, opened from the configuration.
//
// Thread: made by main; used by worker threads.

import Glibc
import Loop

/// Why an engine cannot be opened, with the exit code that says so.
struct EngineError: Error, Sendable {
    let code: ExitCode
    let reason: String
}

struct Engines: Sendable {
    let store: any OrderStore
    let bus: any MessageBus
    let state: any WorkflowState
    let queues: QueueNames
    private let database: SQLiteDatabase

    /// Opens the embedded engines and brings the schema up to date.
    static func open(_ configuration: Configuration) throws(EngineError) -> Engines {
        let database = try openDatabase(configuration)
        var storeSettings = SQLiteOrderStore.Settings()
        storeSettings.queues.accepted = configuration.acceptedQueue
        storeSettings.queues.processed = configuration.processedQueue
        var stateSettings = EmbeddedWorkflowState.Settings()
        stateSettings.timeToLive = configuration.workflowTTL
        return Engines(
            store: SQLiteOrderStore(database: database, settings: storeSettings),
            bus: EmbeddedBus(database: database),
            state: EmbeddedWorkflowState(settings: stateSettings),
            queues: storeSettings.queues, database: database)
    }

    /// After the last call of any engine. The database is whole without this too; a log that is
    /// left over is read at the next start.
    func close() {
        do { try database.checkpoint() } catch {
            Log("database").warning("log not moved into the file", [.reason(error.reason)])
        }
    }

    /// The embedded database, migrated.
    static func openDatabase(_ configuration: Configuration) throws(EngineError) -> SQLiteDatabase {
        let path = configuration.databasePath
        if configuration.databaseFile == nil { try makeDirectory(configuration.dataDirectory) }
        do throws(StoreError) {
            let database = try SQLiteDatabase(path: path)
            let applied = try database.migrate()
            if !applied.isEmpty {
                try database.checkpoint()
                Log("database").info(
                    "migrated",
                    [.string("path", path), .integer("version", applied.last ?? 0)])
            }
            return database
        } catch {
            switch error {
            case .unavailable(let reason): throw EngineError(code: .unavailable, reason: reason)
            case .failed(let reason): throw EngineError(code: .failure, reason: reason)
            }
        }
    }

    private static func makeDirectory(_ path: String) throws(EngineError) {
        if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        let reason = SystemError(code: errno, call: "mkdir").description
        throw EngineError(
            code: .failure,
            reason: "cannot make the data directory \(path): \(reason); choose one with --data DIR")
    }
}
