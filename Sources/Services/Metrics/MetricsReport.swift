// MetricsReport: the families of a scrape, their names, units and what each means.
//
//   process_…                what every Prometheus dashboard knows
//   signalr_server_…         as OpenTelemetry names them for SignalR
//   contoso_…                ours; base units in the name, counters end in _total
//
// docs/OPERATIONS.md lists them; a test compares.
//
// Thread: a pure value, but for the counters it reads.  Allocates: the text.
// Source: Prometheus, "Metric and label naming"; OpenTelemetry semantic conventions for SignalR.

import Loop
import WS

struct MetricsReport {
    let sources: MetricsSources
    /// Nil where there is no `/proc`.
    let process: ProcessFigures?
    /// Of the loops that have answered, by number.
    let loops: [LoopFigures]
    /// Nil if they have not come in time.
    let stored: StoredFigures?

    func text(_ format: MetricsText.Format) -> [UInt8] {
        var text = MetricsText(format)
        addProcess(to: &text)
        addState(to: &text)
        addConnections(to: &text)
        addTLS(to: &text)
        addOutput(to: &text)
        addHTTP(to: &text)
        addHub(to: &text)
        addOrders(to: &text)
        addWaiting(to: &text)
        addBackplane(to: &text)
        return text.end()
    }

    private func addProcess(to text: inout MetricsText) {
        guard let process else { return }
        text.decimal(
            .counter, "process_cpu_seconds", "User and system time.", process.processorSeconds)
        text.gauge(
            "process_resident_memory_bytes", "Memory in RAM.", process.residentByteCount)
        text.gauge(
            "process_virtual_memory_bytes", "Address space in use.", process.virtualByteCount)
        text.gauge("process_open_fds", "Open file descriptors.", process.descriptorCount)
        text.gauge("process_max_fds", "Limit of open file descriptors.", process.descriptorCountMax)
        text.gauge("process_threads", "Threads.", process.threadCount)
        text.decimal(
            .gauge, "process_start_time_seconds", "Start, in seconds since the Unix epoch.",
            process.startedAt)
    }

    private func addState(to text: inout MetricsText) {
        text.family(
            .gauge, "contoso_build_info", "Always 1; says which version runs.", by: "version",
            [.init(CommandLineTool.version, 1)])
        text.gauge(
            "contoso_ready", "1 while /health/ready says 200.",
            sources.readiness.state == .ready ? 1 : 0)
        text.gauge(
            "contoso_draining", "1 while the process asks for no more clients.",
            sources.readiness.state == .draining ? 1 : 0)
        text.family(
            .gauge, "contoso_dependency_up", "1 while the connection stands.", by: "dependency",
            sources.links.map { .init($0.name.description, $0.isUp ? 1 : 0) })
        text.family(
            .counter, "contoso_dependency_losses", "Times the connection was lost.",
            by: "dependency",
            sources.links.map { .init($0.name.description, $0.lossCount.value) })
        text.gauge(
            "contoso_scrape_loops", "Loops that answered this scrape in time.", loops.count)
    }

    // MARK: Loops

    private func addConnections(to text: inout MetricsText) {
        func counter(
            _ name: StaticString, _ help: StaticString, _ value: (LoopMetrics) -> UInt64
        ) {
            text.family(
                .counter, name, help, by: "loop",
                loops.map { .init("\($0.number)", value($0.loop)) })
        }
        text.family(
            .gauge, "contoso_connections", "Open connections, of any protocol.", by: "loop",
            loops.map { .init("\($0.number)", $0.loop.openConnectionCount) })
        text.family(
            .gauge, "contoso_connections_max", "Connections the loop may have.", by: "loop",
            loops.map { .init("\($0.number)", $0.connectionCountMax) })
        text.family(
            .gauge, "contoso_timers", "Deadlines that are armed.", by: "loop",
            loops.map { .init("\($0.number)", $0.loop.timerCount) })
        text.family(
            .gauge, "contoso_outbound_segments", "Pieces of output that wait for their socket.",
            by: "loop", loops.map { .init("\($0.number)", $0.loop.segmentCount) })
        counter("contoso_connections_accepted", "Connections accepted.") { $0.acceptedCount }
        text.family(
            .counter, "contoso_proxy_header_refusals",
            "Connections closed instead of taken over from a proxy.", by: "reason",
            ProxyHeaderViolation.allCases.map { violation in
                .init(
                    violation.rawValue,
                    loops.reduce(0) {
                        $0 + ($1.loop.proxyRefusalCountByReason[violation] ?? 0)
                    })
            })
        addAdmission(to: &text)
        counter("contoso_tls_handshakes", "TLS handshakes finished.") { $0.handshakeCount }
        counter("contoso_tls_resumptions", "Those that went on from an earlier session.") {
            $0.resumedHandshakeCount
        }
        counter("contoso_received_bytes", "Bytes received, before TLS is taken off.") {
            $0.receivedByteCount
        }
        counter("contoso_sent_bytes", "Bytes sent, TLS included.") { $0.sentByteCount }
        counter("contoso_slow_consumers", "Connections ended because they did not read.") {
            $0.slowConsumerCount
        }
        counter(
            "contoso_silent_peers", "Connections cut because their peer answered or took nothing."
        ) { $0.silentPeerCount }
        counter(
            "contoso_leftover_overflows", "Connections cut because they left too much unread."
        ) { $0.leftoverOverflowCount }
        counter("contoso_stale_events", "Events of connections that were gone already.") {
            $0.staleTokenCount
        }
        counter("contoso_loop_ticks", "Turns of the loop.") { $0.tickCount }
        text.family(
            .gauge, "contoso_loop_lag_seconds",
            "By how much the loop is late, averaged over about a second.", by: "loop",
            loops.map { .init("\($0.number)", Double($0.loop.lag.nanoseconds) / 1e9) })
    }

    /// Who was kept out, and why.
    private func addAdmission(to text: inout MetricsText) {
        func sum(_ value: (LoopFigures) -> Int) -> Int { loops.reduce(0) { $0 + value($1) } }
        text.family(
            .counter, "contoso_connections_refused", "Connections accepted and closed at once.",
            by: "reason",
            ConnectionRefusal.allCases.map { reason in
                .init(
                    reason.rawValue, sum { Int($0.loop.refusalCountByReason[reason] ?? 0) })
            })
        text.family(
            .counter, "contoso_accept_pauses",
            "Times new connections were left in the listen queue.", by: "reason",
            AcceptPause.allCases.map { reason in
                .init(reason.rawValue, sum { Int($0.loop.pauseCountByReason[reason] ?? 0) })
            })
        let late = TurnedAway.Reason.allCases.map { reason in
            MetricsText.Sample(
                reason.rawValue, sum { $0.http.turnedAwayCountByReason[reason] ?? 0 })
        }
        text.family(
            .counter, "contoso_requests_turned_away",
            "Requests answered 429 or 503 because of how late or how many.", by: "reason",
            late + [.init("user_rate", sources.orders.userRefused.value)])
    }

    private func addTLS(to text: inout MetricsText) {
        text.family(
            .counter, "contoso_tls_handshake_failures", "TLS handshakes that came to nothing.",
            by: "reason",
            TLSHandshakeFailure.allCases.map { reason in
                .init(
                    reason.rawValue,
                    loops.reduce(0) { $0 + ($1.loop.handshakeFailureCounts[reason] ?? 0) })
            })
        guard let identity = sources.identity else { return }
        text.family(
            .gauge, "contoso_tls_certificate_expiry_timestamp_seconds",
            "End of the certificate, in seconds since the Unix epoch.", by: "certificate",
            identity.expiries.map { .init($0.certificateFile, $0.seconds) })
        text.counter(
            "contoso_tls_reload_failures",
            "Reloads that left certificates, keys and tickets as they were.",
            identity.failedReloadCount)
    }

    private func addHTTP(to text: inout MetricsText) {
        let http = loops.map(\.http)
        func sum(_ value: (HTTPCounters) -> Int) -> Int { http.reduce(0) { $0 + value($1) } }
        text.counter("contoso_http_requests", "Requests with a whole head.", sum(\.requestCount))
        text.family(
            .counter, "contoso_http_responses", "Answers by the class of their status.",
            by: "class",
            (1...5).map { digit in .init("\(digit)xx", sum { $0.responseCountByClass[digit] }) })
        text.family(
            .counter, "contoso_http_refusals", "Requests that broke the rules or a limit of HTTP.",
            by: "reason",
            HTTPError.allCases.map { error in
                .init(error.rawValue, sum { $0.refusalCountByReason[error] ?? 0 })
            })
        text.counter(
            "contoso_http_upgrades", "Connections gone over to WebSocket.", sum(\.upgradeCount))
        text.counter(
            "contoso_http_dropped_replies", "Answers whose request was gone.",
            sum(\.droppedReplyCount))
    }
}
