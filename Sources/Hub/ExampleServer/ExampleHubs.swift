// ExampleHubs: the same methods on many paths, each with other options.
//
//   /hub        the defaults             /ws /sse /lp /ws-sse /none   these transports only
//   /detailed   detailed errors          /json        JSON only
//   /parallel   two calls at once        /tiny        small messages, one upload item ahead
//   /stateful   reconnects               /unlimited   messages up to the WebSocket's limit
//   /dropping /coalescing                what becomes of a client that does not read
//   /min1       no version 0 clients     /protected   users only
//   /refusing /aborting /greeting        onConnected throws, aborts, says hello
//   /filtered   three filters
//
// Thread: built on the first loop.  Allocates: when built.

import Hub
import Loop

/// A hub that is ready to be put on a router.
struct MountedHub: Sendable {
    let path: String
    let server: HubServer
    let access: Access
}

enum ExampleHubs {
    /// Bytes of one WebSocket message and one POST; a hub message of 1 MiB fits.
    static let messageByteCountMax = 2 << 20

    /// - Parameter reactor: keeps the connections to Redis, if there are any.
    static func make(_ options: ServerOptions, on reactor: Reactor) throws -> [MountedHub] {
        let state = ServerState()
        return try plans.map { plan in
            var hub = hub(state)
            plan.methods(&hub, state)
            var hubOptions = options.hub
            plan.options(&hubOptions)
            let server = HubServer(
                methods: hub, options: hubOptions,
                tokens: ConnectionTokens(
                    secret: options.secret, hub: plan.path, lifetime: hubOptions.negotiatedLifetime),
                backplane: try backplane(options.redis, plan.path, on: reactor))
            return MountedHub(
                path: plan.path, server: server,
                access: Access(needsUser: plan.path == "/protected"))
        }
    }

    /// What all of them have.
    private static func hub(_ state: ServerState) -> HubMethods {
        var hub = HubMethods()
        hub.addValueMethods()
        hub.addErrorMethods()
        hub.addChatMethods()
        hub.addStreamMethods(state)
        hub.addUploadMethods(state)
        hub.addResultMethods(state)
        hub.addLifetimeMethods(state)
        hub.addFilteredMethods()
        return hub
    }

    private static func backplane(
        _ redis: RedisOptions?, _ path: String, on reactor: Reactor
    ) throws -> any Backplane {
        guard let redis else { return LocalBackplane() }
        var settings = BackplaneSettings()
        settings.channelPrefix = "hub-server"
        // The hubs of one pod do not hear each other.
        settings.hubTypeName = path
        return try RedisBackplane(reactor: reactor, options: redis, settings: settings)
    }

    /// "ann:…" is about ann.
    @Sendable private static func subject(_ target: String, _ arguments: [RawValue]) -> String? {
        guard let text = try? arguments.first?.decode(as: String.self) else { return nil }
        return text.split(separator: ":").first.map(String.init)
    }

    // MARK: What sets each apart

    private struct Plan {
        let path: String
        var options: (inout HubOptions) -> Void = { _ in }
        var methods: (inout HubMethods, ServerState) -> Void = { _, _ in }
    }

    private static var plans: [Plan] {
        [
            Plan(path: "/hub"),
            Plan(path: "/detailed", options: { $0.enableDetailedErrors = true }),
            Plan(path: "/parallel", options: { $0.parallelInvocationCountMax = 2 }),
            Plan(
                path: "/stateful",
                options: { options in
                    options.allowsStatefulReconnect = true
                    options.statefulByteCountHigh = 1000
                }),
            Plan(path: "/ws", options: { $0.transports = [.webSockets] }),
            Plan(path: "/sse", options: { $0.transports = [.serverSentEvents] }),
            Plan(path: "/lp", options: { $0.transports = [.longPolling] }),
            Plan(
                path: "/ws-sse", options: { $0.transports = [.webSockets, .serverSentEvents] }),
            Plan(path: "/none", options: { $0.transports = [] }),
            Plan(path: "/json", options: { $0.protocols = [.json] }),
            Plan(
                path: "/tiny",
                options: { options in
                    options.messageByteCountMax = 1024
                    options.uploadItemCountMax = 1
                }),
            Plan(path: "/unlimited", options: { $0.messageByteCountMax = nil }),
            Plan(path: "/dropping", options: { $0.slowClient = .dropOldest }),
            Plan(
                path: "/coalescing",
                options: { options in
                    options.slowClient = .coalesce
                    options.subject = subject
                }),
            Plan(path: "/min1", options: { $0.negotiateVersionMin = 1 }),
            Plan(path: "/protected"),
            Plan(path: "/refusing", methods: { hub, _ in hub.refuseEverybody() }),
            Plan(path: "/aborting", methods: { hub, state in hub.abortEverybody(state) }),
            Plan(path: "/greeting", methods: { hub, state in hub.greetEverybody(state) }),
            Plan(path: "/filtered", methods: { hub, state in hub.addFilters(state) }),
        ]
    }
}
