// HoldWorkload: connections that are there, and nothing else.
//
// Thread: one loop.  Allocates: never.

import Loop

final class HoldWorkload: Workload {
    private var pingCount = 0

    override func received(
        _ message: UnsafeRawBufferPointer, from client: HubClient, _ connection: Connection
    ) {
        pingCount += 1
    }

    override func collect(into progress: inout AgentReport.Progress) {
        progress.tally.pings += pingCount
        pingCount = 0
    }
}
