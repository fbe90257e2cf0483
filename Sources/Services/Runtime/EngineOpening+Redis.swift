// EngineOpening+Redis: the workflow state, and the backplane between the hubs of several pods.
//
//   links loop: command link ─▶ wait for the first connection ─▶ state
//   the one loop, or the links' loop: backplane
//
// Thread: main, which may wait.

import Hub
import Loop

extension EngineOpening {
    /// - Returns: with `links` the connections a hub cannot do without.
    func openRedis(
        _ options: RedisOptions
    ) throws(EngineError) -> (
        state: any WorkflowState, backplane: any Backplane, links: [LinkStatus]
    ) {
        guard let links else { preconditionFailure("Redis needs the links loop") }
        let client: RedisClient
        var backplane: RedisBackplane?
        do throws(TLSConfigurationError) {
            client = try links.make { (reactor) throws(TLSConfigurationError) in
                let link = try RedisLink(
                    reactor: reactor, options: options, status: LinkStatus(name: "redis"))
                link.start()
                return RedisClient(link: link)
            }
            if configuration.roles.contains(.notification) {
                let make: @Sendable (Reactor) throws(TLSConfigurationError) -> RedisBackplane = {
                    [settings = backplaneSettings] (reactor) throws(TLSConfigurationError) in
                    try RedisBackplane(reactor: reactor, options: options, settings: settings)
                }
                backplane =
                    if let backplaneLoop { try backplaneLoop.make(make) } else {
                        try links.make(make)
                    }
            }
        } catch {
            throw refusal("state", error.description, .configuration)
        }
        try waitForRedis(client)
        var settings = RedisWorkflowState.Settings()
        settings.timeToLive = configuration.workflowTTL
        return (
            RedisWorkflowState(redis: client, settings: settings),
            backplane ?? LocalBackplane(), backplane?.statuses ?? []
        )
    }

    private var backplaneSettings: BackplaneSettings {
        var settings = BackplaneSettings()
        settings.channelPrefix = configuration.channelPrefix
        settings.hubTypeName = configuration.hubTypeName
        return settings
    }

    private func waitForRedis(_ client: RedisClient) throws(EngineError) {
        do throws(RedisError) {
            try client.waitUntilReady(atMost: timeLeft)
        } catch {
            switch error {
            case .authentication: throw refusal("state", error.description, .configuration)
            case .unavailable, .timedOut, .refused:
                throw refusal("state", error.description, .unavailable)
            }
        }
    }
}
