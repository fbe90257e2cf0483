// EngineOpening+RabbitMQ: the broker of several pods.
//
//   reachable? ─▶ queues declared ─▶ bus
//       └─ wrong password, no such virtual host, other queue arguments: exit 78 and the setting's name
//
// Thread: main, which may wait.

import Loop

extension EngineOpening {
    func openRabbitMQ(
        _ options: AMQPOptions
    ) throws(EngineError) -> (bus: any MessageBus, links: [LinkStatus]) {
        guard let links else { preconditionFailure("a broker without a links loop") }
        let queues = configuration.queues
        var settings = RabbitSettings(queues: [queues.accepted, queues.processed])
        // The delays grow no more after the thirteenth; one queue serves all that follow.
        settings.retryDelays =
            RetryPolicy(retryCountMax: min(13, configuration.processingRetryCountMax)).delays
        settings.usesQuorumQueues = configuration.usesQuorumQueues
        settings.windowCount = UInt16(clamping: configuration.prefetchCount)
        let status = LinkStatus(name: "rabbitmq")
        let bus: RabbitBus
        do throws(TLSConfigurationError) {
            bus = try links.make { [settings] (reactor) throws(TLSConfigurationError) in
                try RabbitBus(
                    reactor: reactor, options: options, settings: settings, status: status)
            }
        } catch { throw refusal("broker", "\(error)", .configuration) }
        do throws(RabbitFailure) { try bus.connect(atMost: timeLeft) } catch {
            throw refusal(
                "broker", error.reason, error.isRefusal ? .configuration : .unavailable)
        }
        return (bus, [status])
    }
}
