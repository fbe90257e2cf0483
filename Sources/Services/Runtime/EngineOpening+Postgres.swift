// EngineOpening+Postgres: the database of several pods.
//
//   reachable? ─▶ migrate (or check) ─▶ store
//       └─ wrong password, no such database, old schema: exit 78 and the setting's name
//
// Thread: main, which may wait.

import Loop

extension EngineOpening {
    func openPostgres(_ options: PostgresOptions) throws(EngineError) -> Database {
        let options = options.trustingSystem()
        if let file = options.unreadableFile {
            throw refusal("database", "the file '\(file)' cannot be read", .configuration)
        }
        try waitForPostgres(options)
        try bringUpToDate(options)
        var settings = PostgresOrderStore.Settings()
        settings.queues = configuration.queues
        settings.pool.connectionCountMax = configuration.databaseConnectionCountMax
        settings.pool.callTimeout = configuration.databaseTimeout
        let store = PostgresOrderStore(options: options, settings: settings)
        return Database(
            name: options.name, store: store, links: [store.status], closers: [{ store.close() }])
    }

    private func waitForPostgres(_ options: PostgresOptions) throws(EngineError) {
        do throws(PostgresUnreachable) {
            try PostgresOrderStore.waitUntilReachable(options, atMost: timeLeft)
        } catch {
            switch error {
            // The migration makes it.
            case .unknownDatabase where configuration.migratesDatabase: return
            case .unavailable: throw refusal("database", error.reason, .unavailable)
            case .authentication, .unknownDatabase:
                throw refusal("database", error.reason, .configuration)
            case .failed: throw refusal("database", error.reason, .failure)
            }
        }
    }

    private func bringUpToDate(_ options: PostgresOptions) throws(EngineError) {
        do throws(StoreError) {
            guard configuration.migratesDatabase else {
                return try PostgresOrderStore.checkSchema(options)
            }
            let applied = try PostgresOrderStore.migrate(options)
            if let version = applied.last {
                Log("database").info(
                    "migrated",
                    [.string("database", options.name), .integer("version", version)])
            }
        } catch {
            switch error {
            case .unavailable(let reason): throw refusal("database", reason, .unavailable)
            // Another schema than this build's: one of the two was chosen wrongly.
            case .failed(let reason): throw refusal("database", reason, .configuration)
            }
        }
    }
}
