// MetricsReport+Output: the families of what waits for peers to read it, and of what they missed.
//
// Thread: as MetricsReport.  Allocates: the text.

import Hub
import Loop

extension MetricsReport {
    func addOutput(to text: inout MetricsText) {
        text.family(
            .gauge, "contoso_outbound_bytes", "Memory of what waits to be sent.", by: "loop",
            loops.map { .init("\($0.number)", $0.loop.outboundByteCount) })
        text.family(
            .counter, "contoso_outbound_budget_sheds",
            "Queues shed, or refused more, because the process held too much.", by: "loop",
            loops.map { .init("\($0.number)", $0.loop.budgetShedCount) })
        text.family(
            .counter, "contoso_outbound_messages_dropped",
            "Pushes left out because their client did not read.", by: "reason",
            [
                .init("drop_oldest", sum(\.droppedCount, \.droppedCount)),
                .init("superseded", sum(\.supersededCount, \.supersededCount)),
            ])
    }

    /// On sockets, and of clients that fetch.
    private func sum(
        _ onSockets: (LoopMetrics) -> UInt64, _ fetched: (HubCounters) -> Int
    ) -> Int {
        loops.reduce(0) { $0 + Int(onSockets($1.loop)) + ($1.hub.map(fetched) ?? 0) }
    }
}
