// Workload: what the clients of an agent do once they are connected.
//
// A class with virtual methods and not a protocol, for the reason ConnectionHandler is one: the call
// per message costs no reference count.
//
// Thread: one loop.  Allocates: never by itself.

import Loop

class Workload {
    /// The loop owns its workload; unsafe, because a check per message is not free.
    unowned(unsafe) let loop: ClientLoop

    init(_ loop: ClientLoop) { self.loop = loop }

    /// A client is ready: its last handshake is done.
    func ready(_ client: HubClient, _ connection: Connection) {}

    /// One whole WebSocket message; with SignalR one record or several, each with its separator.
    func received(
        _ message: UnsafeRawBufferPointer, from client: HubClient, _ connection: Connection
    ) {}

    /// An open client has ended.
    func lost(_ client: HubClient) {}

    /// The measured time begins then, on CLOCK_MONOTONIC.
    func begin(at start: UInt64) {}

    /// No more load of its own.
    func rest() {}

    /// Counts what is missing.
    ///
    /// - Parameter publishedCount: broadcasts that were sent to everybody.
    func end(publishedCount: Int) {}

    /// Hands over what it has measured since the last time.
    func collect(into progress: inout AgentReport.Progress) {}
}
