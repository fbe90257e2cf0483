// Engines: the storage, the messaging and the state behind the roles, opened from the configuration.
//
//   database ──▶ SQLite │ PostgreSQL        migrated, or refused if it is old
//   broker   ──▶ embedded queue │ RabbitMQ
//   state    ──▶ memory │ Redis             with Redis the hubs' backplane as well
//
// Each is waited for, all together at most `startup.wait`: a dependency that starts after us is
// normal, one that never comes ends the start with a text that names the setting.
//
// Thread: made by main; used by worker threads.

import Glibc
import Hub
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
    let backplane: any Backplane
    let queues: QueueNames
    /// Of the embedded databases.
    let disks: [LinkStatus]
    /// What each role cannot do without.
    private let links: [ServiceRole: [LinkStatus]]
    private let closers: [@Sendable () -> Void]

    /// Opens everything; brings the schema up to date.
    ///
    /// - Parameters:
    ///   - links: nil if all engines are embedded.
    ///   - backplaneLoop: as `EngineOpening` takes it.
    static func open(
        _ configuration: Configuration, links: Links?, backplaneLoop: LoopJobs?
    ) throws(EngineError) -> Engines {
        let opening = EngineOpening(
            configuration, links: links, backplaneLoop: backplaneLoop)
        let database = try opening.openDatabase()
        let bus = try opening.openBus(embeddedIn: database.embedded)
        let state = try opening.openState()
        let disks = [database.embedded, bus.embedded].compactMap { $0?.disk }
        return Engines(
            store: database.store, bus: bus.bus, state: state.state, backplane: state.backplane,
            queues: configuration.queues, disks: disks,
            links: [
                .accept: database.links + disks, .process: database.links + bus.links + disks,
                .notification: state.links,
            ],
            closers: database.closers)
    }

    /// What these roles cannot do without, each once.
    func links(of roles: Set<ServiceRole>) -> [LinkStatus] {
        var found: [LinkStatus] = []
        for role in ServiceRole.allCases where roles.contains(role) {
            for link in links[role] ?? [] where !found.contains(where: { $0 === link }) {
                found.append(link)
            }
        }
        return found
    }

    /// After the last call of any engine.
    func close() { for close in closers { close() } }
}

extension Configuration {
    var queues: QueueNames {
        var names = QueueNames()
        names.accepted = acceptedQueue
        names.processed = processedQueue
        return names
    }

    /// Whether anything is reached over a socket of the links loop.
    var needsLinks: Bool {
        !broker.isEmbedded || !state.isEmbedded || authority != nil || telemetry.url != nil
    }
}
