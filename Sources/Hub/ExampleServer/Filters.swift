// Filters: two that look and one that meddles, in this order from the outside.
//
//   g1 ─▶ g2 ─▶ h ─▶ method
//
// Thread: tasks.

import Hub

extension HubMethods {
    mutating func addFilters(_ state: ServerState) {
        filter(LoggingFilter(name: "g1", log: state.log))
        filter(LoggingFilter(name: "g2", log: state.log))
        filter(MeddlingFilter(logging: LoggingFilter(name: "h", log: state.log)))
    }

    /// Ordinary methods where no filter changes them.
    mutating func addFilteredMethods() {
        method("Skip") { call in "run" }
        method("FilteredThrow") { call in throw InvalidOperationException("filtered") }
    }
}

struct LoggingFilter: HubFilter {
    let name: String
    let log: EventLog

    func connect(_ connection: HubLifetime, next: HubConnectedBody) async throws {
        log.note("\(name):connect")
        try await next(connection)
    }

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        log.note("\(name):invoke:\(call.target)")
        return try await next(call)
    }

    func disconnect(
        _ connection: HubLifetime, error: (any Error)?, next: HubDisconnectedBody
    ) async throws {
        log.note("\(name):disconnect")
        try await next(connection, error)
    }
}

struct MeddlingFilter: HubFilter {
    let logging: LoggingFilter

    func connect(_ connection: HubLifetime, next: HubConnectedBody) async throws {
        try await logging.connect(connection, next: next)
    }

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        try await logging.invoke(call) { call in
            // Clients may write a name in any case.
            switch call.target.lowercased() {
            case "skip": return .void
            case "filteredthrow":
                do { return try await next(call) } catch { return .void }
            case "echo":
                let result = try await next(call)
                guard let text = result.value(as: String.self) else { return result }
                return try HubResult(encoding: text + "!")
            default: return try await next(call)
            }
        }
    }

    func disconnect(
        _ connection: HubLifetime, error: (any Error)?, next: HubDisconnectedBody
    ) async throws {
        try await logging.disconnect(connection, error: error, next: next)
    }
}
