// EngineOpening: opens one engine after the other within one deadline.
//
// Thread: main, which may wait.  Allocates: freely, once.

import Glibc
import Hub
import Loop

struct EngineOpening {
    struct Database {
        /// For people: a path, or a database and its host.
        var name: String
        var store: any OrderStore
        /// The SQLite file that also holds the embedded queue.
        var embedded: SQLiteDatabase?
        var links: [LinkStatus] = []
        var closers: [@Sendable () -> Void] = []
    }

    let configuration: Configuration
    let links: Links?
    /// Where the hubs' backplane is read; nil: on the links' loop.
    let backplaneLoop: LoopJobs?
    private let deadline: MonotonicInstant
    private let time = SystemTime()

    init(_ configuration: Configuration, links: Links?, backplaneLoop: LoopJobs? = nil) {
        self.configuration = configuration
        self.links = links
        self.backplaneLoop = backplaneLoop
        deadline = time.monotonicNow.advanced(by: configuration.startupWait)
    }

    /// Of the start's patience.
    var timeLeft: Duration { max(.zero, time.monotonicNow.duration(to: deadline)) }

    /// An error that begins with the setting it is about.
    func refusal(_ setting: String, _ reason: String, _ code: ExitCode) -> EngineError {
        EngineError(code: code, reason: "--\(setting): \(reason)")
    }

    // MARK: Database

    func openDatabase() throws(EngineError) -> Database {
        switch configuration.database {
        case .sqlite(let path):
            let database = try openSQLite(path)
            var settings = SQLiteOrderStore.Settings()
            settings.queues = configuration.queues
            return Database(
                name: database.path,
                store: SQLiteOrderStore(database: database, settings: settings),
                embedded: database, closers: [{ Self.checkpoint(database) }])
        case .postgres(let options): return try openPostgres(options)
        }
    }

    /// The file's own name, or the one in the data directory, migrated.
    func openSQLite(_ path: String?) throws(EngineError) -> SQLiteDatabase {
        if path == nil { try Self.makeDirectory(configuration.dataDirectory) }
        let path = path ?? configuration.embeddedDatabasePath
        do throws(StoreError) {
            let database = try SQLiteDatabase(path: path)
            let applied = try database.migrate()
            if let version = applied.last {
                try database.checkpoint()
                Log("database").info(
                    "migrated", [.string("path", path), .integer("version", version)])
            }
            return database
        } catch {
            switch error {
            case .unavailable(let reason): throw EngineError(code: .unavailable, reason: reason)
            case .failed(let reason): throw EngineError(code: .failure, reason: reason)
            }
        }
    }

    /// The database is whole without this too; a log that is left over is read at the next start.
    private static func checkpoint(_ database: SQLiteDatabase) {
        do { try database.checkpoint() } catch {
            Log("database").warning("log not moved into the file", [.reason(error.reason)])
        }
    }

    private static func makeDirectory(_ path: String) throws(EngineError) {
        if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        let reason = SystemError(code: errno, call: "mkdir").description
        throw EngineError(
            code: .failure,
            reason: "cannot make the data directory \(path): \(reason); choose one with --data DIR")
    }

    // MARK: Broker

    /// - Parameter database: shared with the orders where they are embedded too.
    func openBus(
        embeddedIn database: SQLiteDatabase?
    ) throws(EngineError) -> (bus: any MessageBus, links: [LinkStatus], embedded: SQLiteDatabase?) {
        switch configuration.broker {
        case .embedded:
            if let database { return (EmbeddedBus(database: database), [], nil) }
            let queue = try openSQLite(nil)
            return (EmbeddedBus(database: queue), [], queue)
        case .rabbitMQ(let options):
            let broker = try openRabbitMQ(options)
            return (broker.bus, broker.links, nil)
        }
    }

    // MARK: State

    func openState() throws(EngineError) -> (
        state: any WorkflowState, backplane: any Backplane, links: [LinkStatus]
    ) {
        switch configuration.state {
        case .embedded:
            var settings = EmbeddedWorkflowState.Settings()
            settings.timeToLive = configuration.workflowTTL
            return (EmbeddedWorkflowState(settings: settings), LocalBackplane(), [])
        case .redis(let options): return try openRedis(options)
        }
    }
}
