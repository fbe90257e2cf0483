import Foundation
import Loop
import Testing
import TestSupport

@testable import Hub
@testable import Services
@testable import WS

@Suite("MetricsReport") struct MetricsReportTests {
    /// A process with everything that has figures.
    private func report(_ change: (MetricsSources, inout LoopFigures) -> Void = { _, _ in })
        throws -> MetricsReport
    {
        let sources = try MetricsSources.forTests(backplane: BackplaneCounters())
        sources.workers.close()
        var loop = LoopFigures(
            number: 0, connectionCountMax: 100, loop: LoopMetrics(), http: HTTPCounters(),
            hub: HubCounters())
        change(sources, &loop)
        var second = loop
        second.number = 1
        return MetricsReport(
            sources: sources, process: ProcessFigures.now(), loops: [loop, second],
            stored: StoredFigures(
                outboxCount: 3, queues: [.init(name: "order.accepted", messageCount: 4)]))
    }

    private func lines(_ report: MetricsReport) -> [String] {
        String(decoding: report.text(.prometheus), as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    @Test func `loops are told apart, everything else is summed up`() throws {
        let written = lines(
            try report { sources, loop in
                loop.loop.acceptedCount = 5
                loop.loop.handshakeFailureCounts = [.notTLS: 3]
                loop.http.requestCount = 7
                loop.http.responseCountByClass[2] = 6
                loop.http.refusalCountByReason[.bodyTooLarge] = 2
                loop.hub?.openCountByTransport = [.webSockets: 8]
                loop.hub?.deliveryCount = 9
                loop.hub?.endedCountByReason[.clientTimedOut] = 1
                sources.orders.accepted.add(11)
            })
        for line in [
            #"contoso_connections_accepted_total{loop="0"} 5"#,
            #"contoso_connections_accepted_total{loop="1"} 5"#,
            #"contoso_tls_handshake_failures_total{reason="not_tls"} 6"#,
            #"contoso_tls_handshake_failures_total{reason="timeout"} 0"#,
            "contoso_http_requests_total 14",
            #"contoso_http_responses_total{class="2xx"} 12"#,
            #"contoso_http_refusals_total{reason="bodyTooLarge"} 4"#,
            #"signalr_server_active_connections{signalr_transport="web_sockets"} 16"#,
            "contoso_hub_deliveries_total 18",
            #"contoso_hub_connections_ended_total{reason="client_timed_out"} 2"#,
            "contoso_orders_accepted_total 11", "contoso_outbox_events 3",
            #"contoso_queue_messages{queue="order.accepted"} 4"#, "contoso_scrape_loops 2",
        ] {
            #expect(written.contains(line), "\(line) is missing")
        }
    }

    @Test func `every line belongs to the family announced in front of it`() throws {
        var family = ""
        var seen: Set<String> = []
        for line in lines(try report()) {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                family = words[2]
                #expect(seen.insert(family).inserted, "\(family) stands twice")
                #expect(words[3].hasSuffix("."))
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == family)
                #expect((words[3] == "counter") == family.hasSuffix("_total"), "\(family)")
            } else {
                #expect(line.prefix { $0 != "{" && $0 != " " } == family)
            }
        }
    }

    @Test func `names have one of three prefixes and no capital letter`() throws {
        for line in lines(try report()) where line.hasPrefix("# TYPE ") {
            let name = line.split(separator: " ")[2]
            let prefixes = ["contoso_", "process_", "signalr_server_"]
            #expect(prefixes.contains { name.hasPrefix($0) }, "\(name)")
            #expect(name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(name)")
        }
    }

    @Test func `what has not come is left out`() throws {
        let sources = try MetricsSources.forTests(backplane: nil)
        sources.workers.close()
        let text = String(
            decoding: MetricsReport(sources: sources, process: nil, loops: [], stored: nil)
                .text(.prometheus), as: UTF8.self)
        for name in [
            "process_", "signalr_", "contoso_outbox", "contoso_queue", "contoso_backplane",
        ] {
            #expect(!text.contains(" " + name), "\(name)")
        }
        #expect(text.contains("contoso_scrape_loops 0"))
        #expect(text.contains("contoso_orders_accepted_total 0"))
    }

    @Test func `the table in OPERATIONS names every family, its type and its meaning`() throws {
        var table = "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n"
        var help = ""
        var row = ""
        for line in lines(try report()) {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                help = words[3]
            } else if line.hasPrefix("# TYPE ") {
                row = "| `\(words[2])` | \(words[3]) |"
            } else if !row.isEmpty {
                let label = line.split(separator: "{").dropFirst().first?.prefix { $0 != "=" }
                table += "\(row) \(label.map { "`\($0)`" } ?? "") | \(help) |\n"
                row = ""
            }
        }
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let manual = try String(
            contentsOf: root.appending(path: "docs/OPERATIONS.md"), encoding: .utf8)
        #expect(manual.contains(table), "the table must be\n\(table)")
    }
}
