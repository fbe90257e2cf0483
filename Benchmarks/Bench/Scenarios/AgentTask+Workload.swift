// AgentTask+Workload: which class does what a task says.
//
// Thread: one loop.  Allocates: the workload.

extension AgentTask {
    func makeWorkload(_ loop: ClientLoop) throws(BenchError) -> Workload {
        switch self {
        case .hold: HoldWorkload(loop)
        case .receive(let byteCount, let target, let slowShare, let invocation):
            ReceiveWorkload(
                loop, BroadcastRecord(byteCount: byteCount, target: target), slowShare: slowShare,
                invocation: invocation)
        case .echo(let byteCount, let method, let rate):
            EchoWorkload(loop, byteCount: byteCount, method: method, ratePerSecond: rate)
        case .storm(let count): StormWorkload(loop, count: count)
        case .order(let rate): OrderWorkload(loop, ratePerSecond: rate)
        case .handshakes:
            HandshakeWorkload(
                loop, full: try ClientLoop.context(loop.setup.client),
                resuming: try ClientLoop.context(loop.setup.client, resumesSessions: true))
        }
    }
}
