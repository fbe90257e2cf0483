// Server: the composition root; builds everything from a Configuration and runs it.
//
//   open engines ─▶ start role threads ─▶ start loops ─▶ ready ─▶ wait for signals
//                                                                  │ SIGHUP: reload the certificate
//                                                                  ▼ SIGTERM, SIGINT
//   not ready ─▶ (drain delay) ─▶ stop accepting, finish, close hubs ─▶ stop roles ─▶ stop loops
//
// Thread: the main thread, which becomes the supervisor.

import Hub
import Loop
import WS

final class Server {
    let configuration: Configuration
    private let engines: Engines
    private let workers: WorkerPool
    private let counters = OrderCounters()
    private let relay = WakeSignal()
    let authenticator: Authenticator
    let readiness: Readiness
    let shop: ShopPages?
    let identity: TLSIdentity?
    let listeners: Listeners
    let loops = LoopGroup()
    private let log = Log("server")
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
            let database = try Engines.openDatabase(configuration)
            Terminal.say("\(database.path) is up to date")
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
        engines = try Engines.open(configuration)
        workers = WorkerPool(
            threadCount: configuration.workerCount,
            queueCountMax: configuration.workerQueueCountMax)
        authenticator = Authenticator(configuration)
        readiness = Readiness(drainingFile: configuration.drainingFile)
    }

    private static func loadShop(_ configuration: Configuration) throws(EngineError) -> ShopPages? {
        guard let directory = configuration.webDirectory else { return nil }
        do {
            return try ShopPages(directory: directory)
        } catch {
            throw EngineError(
                code: .configuration, reason: "\(error); give the shop's directory with --web DIR")
        }
    }

    private static func loadIdentity(
        _ configuration: Configuration
    ) throws(EngineError) -> TLSIdentity? {
        guard configuration.https != nil else { return nil }
        guard let certificate = configuration.certificateFile, let key = configuration.keyFile
        else { preconditionFailure("the configuration check wants a certificate with --https") }
        do {
            return try TLSIdentity(certificateFile: certificate, keyFile: key)
        } catch {
            throw EngineError(code: .configuration, reason: error.description)
        }
    }

    // MARK: Running

    private func run(_ warnings: [String]) throws(EngineError) -> ExitCode {
        let limits = try loopLimits()
        let intake = configuration.roles.contains(.accept) ? makeIntake() : nil
        let hub = configuration.roles.contains(.notification) ? makeHub() : nil
        let roles = RoleThreads(
            configuration, engines: engines, relay: relay, counters: counters,
            acceptQueue: intake?.queue, notifier: hub.map { HubNotifier(hub: $0) })
        roles.start()
        let addresses: [String]
        do {
            addresses = try startLoops(limits, api: intake?.api, hub: hub)
        } catch {
            roles.stop()
            workers.close()
            throw error
        }
        for warning in warnings { log.warning("configuration", [.reason(warning)]) }
        announce(addresses, limits)
        superviseUntilShutdown()
        shutDown(roles)
        return .success
    }

    /// As many connections as the process may have descriptors for.
    private func loopLimits() throws(EngineError) -> Limits {
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
        limits.connectionCountMax = min(configuration.connectionCountMax, most)
        log.info("descriptor limit raised", [.integer("descriptors", ceiling)])
        return limits
    }

    private func makeIntake() -> (api: OrderAPI, queue: AcceptQueue) {
        let acceptOrder = AcceptOrder(
            store: engines.store, state: engines.state, relay: relay,
            limits: configuration.orderLimits, counters: counters)
        let queue = AcceptQueue(acceptOrder: acceptOrder, counters: counters)
        let api = OrderAPI(
            authenticator: authenticator, store: engines.store, acceptOrder: acceptOrder,
            acceptQueue: queue, workers: workers)
        return (api, queue)
    }

    private func makeHub() -> HubServer {
        var options = HubOptions()
        options.keepAliveInterval = configuration.hubKeepAlive
        options.clientTimeout = configuration.hubClientTimeout
        options.handshakeTimeout = configuration.hubHandshakeTimeout
        options.messageByteCountMax = configuration.hubMessageByteCountMax
        // The other half of the period is for the closing handshakes of the last ones.
        options.drainSpread = min(configuration.drainPeriod / 2, .seconds(4))
        let tracking = OrderTracking(store: engines.store, state: engines.state)
        let hub = OrderStatusHub(tracking: tracking, workers: workers)
        return HubServer(methods: hub.methods, options: options)
    }

    private func announce(_ addresses: [String], _ limits: Limits) {
        let roles = ServiceRole.allCases.filter(configuration.roles.contains).map(\.rawValue)
        log.info(
            "ready",
            [
                .string("addresses", addresses.joined(separator: " ")),
                .string("roles", roles.joined(separator: ",")),
                .integer("threads", threadCount),
                .integer("connections_per_thread_max", limits.connectionCountMax),
            ])
        Terminal.say("contoso is ready: " + addresses.joined(separator: " "))
        if configuration.isDevelopment, shop != nil {
            Terminal.say("sign in as CUST-0001 (development: any user id is let in)")
        }
    }

    private func superviseUntilShutdown() {
        while true {
            switch ProcessSetup.nextSignal() {
            case .hangUp: reloadIdentity()
            case .terminate, .interrupt: return
            case nil: continue
            }
        }
    }

    private func reloadIdentity() {
        guard let identity else { return }
        do {
            try identity.reload()
            log.info("certificate reloaded")
        } catch {
            log.error("certificate not reloaded", [.reason(error.description)])
        }
    }

    /// Finishes what is in flight. A second signal ends the process at once.
    private func shutDown(_ roles: RoleThreads) {
        log.info("shutting down")
        readiness.beginDraining()
        if configuration.drainDelay > .zero,
            ProcessSetup.nextSignal(atMost: configuration.drainDelay) != nil
        {
            log.warning("second signal")
        }
        CrashPoint.reach(.drainMiddle)
        let isDrained = loops.drain(atMost: configuration.drainPeriod)
        if !isDrained { log.warning("connections cut at the end of the drain period") }
        roles.stop()
        workers.close()
        loops.stop()
        engines.close()
        log.info("stopped")
    }
}
