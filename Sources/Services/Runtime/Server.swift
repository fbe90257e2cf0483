// Server: the composition root; builds everything from a Configuration and runs it.
//
//   open engines ─▶ start role threads ─▶ start loops ─▶ ready ─▶ wait for signals
//                                                                  │ SIGHUP: reload the certificate
//                                                                  ▼ SIGTERM, SIGINT
//   Departure ─▶ stop roles ─▶ stop loops
//
// Thread: the main thread, which becomes the supervisor.

import Hub
import Loop
import WS

final class Server {
    let configuration: Configuration
    /// Nil where nothing outside is reached over a loop.
    private let links: Links?
    let telemetry: Telemetry
    let engines: Engines
    private let workers: WorkerPool
    private let counters = OrderCounters()
    private let relay = WakeSignal()
    let authenticator: Authenticator
    let readiness: Readiness
    let shop: ShopPages?
    let identity: TLSIdentity?
    let listeners: Listeners
    let loops = LoopGroup()
    /// One for each of `loops`.
    let loopJobs: [LoopJobs]
    private let loopLimits: Limits
    let probes = LoopProbes()
    let watch = LoopWatch()
    private let log: Log
    /// Loops, each on a thread of its own.
    let threadCount: Int

    /// Runs until a signal ends it.
    ///
    /// - Parameter warnings: of the configuration, for the log once the start has succeeded.
    static func run(_ configuration: Configuration, warnings: [String]) -> ExitCode {
        ProcessSetup.blockSignals()
        do {
            return try Server(configuration).run(warnings)
        } catch {
            Terminal.complain("serve: \(error.reason)")
            return error.code
        }
    }

    /// Brings the database to the schema of this build.
    static func migrate(_ configuration: Configuration) -> ExitCode {
        do {
            let database = try EngineOpening(configuration, links: nil).openDatabase()
            for close in database.closers { close() }
            Terminal.say("\(database.name) is up to date")
            return .success
        } catch {
            Terminal.complain("migrate: \(error.reason)")
            return error.code
        }
    }

    private init(_ configuration: Configuration) throws(EngineError) {
        self.configuration = configuration
        threadCount =
            configuration.threadCount == 0
            ? ProcessSetup.processorCount : configuration.threadCount
        shop = try Self.loadShop(configuration)
        identity = try Self.loadIdentity(configuration)
        // Before the database: a second server started by mistake should hear of the port.
        do {
            listeners = try Listeners(configuration, identity: identity)
        } catch {
            throw EngineError(code: .failure, reason: error.description)
        }
        log = Log("server")
        loopLimits = try Self.loopLimits(configuration, threadCount: threadCount, log)
        links = try Self.startLinks(configuration)
        loopJobs = try Self.startLoops(loops, count: threadCount, loopLimits)
        telemetry = try Self.startTelemetry(configuration, links)
        // A message of another pod wakes one thread on its way to a client, not two.
        engines = try Engines.open(
            configuration, links: links,
            backplaneLoop: loopJobs.count == 1 ? loopJobs[0] : nil)
        workers = WorkerPool(
            threadCount: configuration.workerCount,
            queueCountMax: configuration.workerQueueCountMax)
        let ring = try Self.startIdentity(configuration, links)
        var identitySettings = IdentitySettings(configuration)
        if ring == nil { identitySettings.authority = nil }
        authenticator = Authenticator(identitySettings, ring: ring)
        readiness = Readiness(
            drainingFile: configuration.drainingFile,
            links: engines.links(of: configuration.roles),
            grace: configuration.readinessGrace, keys: ring)
    }

    /// The keys of the token authority; nil without one.
    private static func startIdentity(
        _ configuration: Configuration, _ links: Links?
    ) throws(EngineError) -> KeyRing? {
        // A process that only works on the queue sees no token.
        let seesTokens = !configuration.roles.isDisjoint(with: [.accept, .notification])
        guard configuration.authority != nil, seesTokens, let links else { return nil }
        let settings = IdentitySettings(configuration)
        let ring = KeyRing()
        do throws(TLSConfigurationError) {
            try links.make { (reactor) throws(TLSConfigurationError) in
                try AuthorityLink.start(
                    on: reactor, settings, ring: ring, status: LinkStatus(name: "authority"))
            }
        } catch {
            throw EngineError(
                code: .configuration, reason: "--jwt-authority-ca: \(error.description)")
        }
        return ring
    }

    private static func startTelemetry(
        _ configuration: Configuration, _ links: Links?
    ) throws(EngineError) -> Telemetry {
        guard configuration.telemetry.url != nil, let links else { return .off }
        do throws(TLSConfigurationError) {
            return try links.make { (reactor) throws(TLSConfigurationError) in
                try Telemetry.start(
                    configuration.telemetry, roles: configuration.roles, on: reactor)
            }
        } catch {
            throw EngineError(
                code: .configuration,
                reason: "OTEL_EXPORTER_OTLP_CERTIFICATE and its kin: \(error.description)")
        }
    }

    private static func startLinks(_ configuration: Configuration) throws(EngineError) -> Links? {
        guard configuration.needsLinks else { return nil }
        do {
            return try Links()
        } catch {
            throw EngineError(code: .failure, reason: "\(error)")
        }
    }

    private static func loadShop(_ configuration: Configuration) throws(EngineError) -> ShopPages? {
        guard let directory = configuration.webDirectory else { return nil }
        do {
            return try ShopPages(
                directory: directory, basePath: configuration.ingress.basePath)
        } catch {
            throw EngineError(
                code: .configuration, reason: "\(error); give the shop's directory with --web DIR")
        }
    }

    private static func loadIdentity(
        _ configuration: Configuration
    ) throws(EngineError) -> TLSIdentity? {
        guard configuration.https != nil else { return nil }
        let settings = configuration.tls.settings(hubTokenSecret: configuration.hubTokenSecret)
        do {
            return try TLSIdentity(settings)
        } catch {
            throw EngineError(code: .configuration, reason: error.description)
        }
    }

    // MARK: Running

    private func run(_ warnings: [String]) throws(EngineError) -> ExitCode {
        let intake = configuration.roles.contains(.accept) ? makeIntake() : nil
        let notification = configuration.roles.contains(.notification) ? makeNotification() : nil
        let hub = notification?.hub
        let roles = RoleThreads(
            configuration, engines: engines, relay: relay, counters: counters,
            acceptQueue: intake?.queue, notifier: notification?.notifier,
            missed: notification?.missed, tracer: telemetry.tracer)
        roles.start()
        let addresses: [String]
        let metrics: MetricsServer?
        do {
            addresses = try listen(api: intake?.api, hub: hub)
            metrics = try startMetrics(intake?.queue, drain: hub?.drain)
        } catch {
            roles.stop()
            workers.close()
            loops.stop()
            throw error
        }
        for warning in warnings { log.warning("configuration", [.reason(warning)]) }
        announce(addresses)
        superviseUntilShutdown()
        shutDown(roles, drain: hub?.drain, metrics)
        return .success
    }

    /// Nil where no address is configured for it.
    private func startMetrics(
        _ acceptQueue: AcceptQueue?, drain: HubDrain?
    ) throws(EngineError) -> MetricsServer? {
        guard let address = configuration.metrics else { return nil }
        let sources = MetricsSources(
            loops: probes,
            stored: StoredFiguresReader(
                store: engines.store, bus: engines.bus, queues: engines.queues,
                roles: configuration.roles, workers: workers),
            orders: counters, workers: workers, readiness: readiness, acceptQueue: acceptQueue,
            drain: drain, backplane: (engines.backplane as? RedisBackplane)?.counters,
            identity: identity,
            links: engines.links(of: configuration.roles))
        do {
            let metrics = try MetricsServer(address, sources)
            log.info("metrics served", [.string("address", metrics.address)])
            return metrics
        } catch {
            throw EngineError(code: .failure, reason: "--metrics-listen: \(error)")
        }
    }

    /// As many connections as the process may have descriptors for.
    private static func loopLimits(
        _ configuration: Configuration, threadCount: Int, _ log: Log
    ) throws(EngineError) -> Limits {
        let ceiling: Int
        do {
            ceiling = try ProcessSetup.raiseDescriptorLimit()
        } catch {
            throw EngineError(code: .failure, reason: error.description)
        }
        // Files, pipes, epoll, listeners and the database's own.
        let reserved = 64
        let most = (ceiling - reserved) / threadCount
        guard most > 0 else {
            throw EngineError(
                code: .configuration,
                reason: "the descriptor limit of \(ceiling) leaves no connection for "
                    + "\(threadCount) threads; raise it with ulimit -n")
        }
        var limits = Limits()
        limits.proxyHeaderTimeout = configuration.proxyHeaderTimeout
        limits.connectionCountMax = min(configuration.connectionCountMax, most)
        limits.outboundMemoryByteCountMax = configuration.outboundMemoryByteCountMax
        limits.handshakeCountMax = configuration.tls.handshakeCountMax
        limits.handshakeTimeout = configuration.tls.handshakeTimeout
        limits.acceptRate = configuration.admission.acceptRate
        limits.lagShedding = configuration.admission.lagPosts
        limits.lagRefusing = configuration.admission.lagConnections
        log.info("descriptor limit raised", [.integer("descriptors", ceiling)])
        return limits
    }

    private func makeIntake() -> (api: OrderAPI, queue: AcceptQueue) {
        let acceptOrder = AcceptOrder(
            store: engines.store, state: engines.state, relay: relay,
            limits: configuration.orderLimits, counters: counters, tracer: telemetry.tracer)
        let queue = AcceptQueue(acceptOrder: acceptOrder, counters: counters)
        let api = OrderAPI(
            authenticator: authenticator, store: engines.store, acceptOrder: acceptOrder,
            acceptQueue: queue, workers: workers,
            orderRates: configuration.admission.orderRate.map { RateTable($0) })
        return (api, queue)
    }

    private func makeNotification() -> (
        hub: HubServer, notifier: HubNotifier, missed: MissedNotifications
    ) {
        let resumed = Monitor<MissedNotifications?>(nil)
        let hub = makeHub { gap in
            // Nobody is connected before the search exists.
            resumed.withLock { $0 }?.add(since: gap.since, users: gap.users)
        }
        let notifier = HubNotifier(hub: hub, tracer: telemetry.tracer)
        let missed = MissedNotifications(
            store: engines.store, notifier: notifier, counters: counters)
        resumed.update { $0 = missed }
        return (hub, notifier, missed)
    }

    private func makeHub(
        onBackplaneResumed: @escaping @Sendable (HubServer.Gap) -> Void
    ) -> HubServer {
        var options = configuration.hub
        options.messageByteCountMax = configuration.hubMessageByteCountMax
        // A WebSocket message holds an oversized hub message, so that its client hears which limit.
        options.webSocket.messageByteCountMax = max(
            options.webSocket.messageByteCountMax, 2 * configuration.hubMessageByteCountMax)
        options.subject = OrderNotification.subject
        // The rest of the period is for the closing handshakes of the last ones.
        options.drainPeriod = configuration.drainPeriod * 3 / 4
        options.drainRate = configuration.drainRate == 0 ? nil : configuration.drainRate
        options.connectionAgeMax =
            configuration.hubConnectionAgeMax == .zero ? nil : configuration.hubConnectionAgeMax
        let tracking = OrderTracking(store: engines.store, state: engines.state)
        let hub = OrderStatusHub(tracking: tracking, workers: workers)
        return HubServer(
            methods: hub.methods, options: options, tokens: connectionTokens(options),
            backplane: engines.backplane, tracer: telemetry.tracer,
            onBackplaneResumed: onBackplaneResumed)
    }

    /// Any pod with the same key accepts what another one's negotiate has given out.
    private func connectionTokens(_ options: HubOptions) -> ConnectionTokens {
        let secret =
            configuration.hubTokenSecret.map { Array($0.utf8) }
            ?? (configuration.signingKey.isEmpty
                ? nil
                : HMACSHA256.sign(
                    "contoso connection tokens".utf8, key: Array(configuration.signingKey.utf8)))
        return ConnectionTokens(
            secret: secret, hub: configuration.hubTypeName, lifetime: options.negotiatedLifetime)
    }

    private func announce(_ addresses: [String]) {
        let roles = ServiceRole.allCases.filter(configuration.roles.contains).map(\.rawValue)
        log.info(
            "ready",
            [
                .string("addresses", addresses.joined(separator: " ")),
                .string("roles", roles.joined(separator: ",")),
                .integer("threads", threadCount),
                .integer("connections_per_thread_max", loopLimits.connectionCountMax),
            ])
        Terminal.say("contoso is ready: " + addresses.joined(separator: " "))
        if configuration.isDevelopment, shop != nil {
            Terminal.say("sign in as CUST-0001 (development: any user id is let in)")
        }
    }

    private func superviseUntilShutdown() {
        let renewal = identity.map { CertificateRenewal($0) }
        renewal?.warn()
        while true {
            switch ProcessSetup.nextSignal(
                atMost: renewal == nil ? nil : configuration.tls.reloadInterval)
            {
            case .hangUp: renewal?.reload()
            case .terminate, .interrupt: return
            case nil: renewal?.reloadIfChanged()
            }
        }
    }

    /// Finishes what is in flight. A second signal ends the process at once.
    private func shutDown(_ roles: RoleThreads, drain: HubDrain?, _ metrics: MetricsServer?) {
        ProcessSetup.endAtNextSignal { [log] in log.warning("ended by a second signal") }
        Departure(
            readiness: readiness, loops: loops, roles: roles, hub: drain,
            delay: configuration.drainDelay, period: configuration.drainPeriod
        ).run()
        // Up to here a scrape shows how the drain goes; behind it there is nobody to ask.
        metrics?.stop()
        roles.stop()
        workers.close()
        loops.stop()
        engines.close()
        telemetry.flush()
        links?.stop()
        log.info("stopped")
    }
}
