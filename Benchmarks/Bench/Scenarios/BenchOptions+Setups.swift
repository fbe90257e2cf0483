// BenchOptions+Setups: the run's connections, dealt out to the agents.
//
//   50,000 connections, 3 agents ─▶ 16,667 + 16,667 + 16,666, each a third of the ramp
//
// Thread: the coordinator's.  Allocates: the setups.

import Loop

extension BenchOptions {
    func setups(for scenario: any Scenario, urls: [TargetURL]) -> [AgentSetup] {
        var first = 0
        return (0..<agentCount).map { number in
            let count = scenario.clientCount(of: number, self)
            defer { first += count }
            return AgentSetup(
                number: number, clientCount: count, firstClient: first,
                rampPerSecond: rampPerSecond.map { $0 / Double(agentCount) },
                openingCountMax: max(1, openingCountMax / agentCount),
                cores: isPinned ? "1-\(ProcessSetup.processorCount - 1)" : nil,
                client: clientSettings(scenario, urls, agent: number),
                task: scenario.task(of: number))
        }
    }

    private func clientSettings(
        _ scenario: any Scenario, _ urls: [TargetURL], agent: Int
    ) -> ClientSettings {
        var client = ClientSettings(
            urls: urls.map {
                (scenario.isRaw ? $0 : $0.withDefaultPath(hubPath)).description
            })
        client.isInsecure = isInsecure
        client.authorityFile = authorityFile
        client.headers = headers
        client.isRaw = scenario.isRaw
        client.skipsNegotiation = skipsNegotiation
        client.payloadByteCountMax = max(client.payloadByteCountMax, 2 * (byteCount ?? 0))
        if let token {
            client.access = .token(token)
        } else if let tokenSecret {
            client.access = .secret(
                tokenSecret, issuer: issuer, audience: audience,
                userCount: userCount ?? connectionCount)
        }
        if let source = source ?? (urls.allSatisfy(\.isLoopback) ? "127.0.0.0/8" : nil) {
            client.sources = SourceAddresses.make(source, agent: agent) ?? []
        }
        return client
    }
}
