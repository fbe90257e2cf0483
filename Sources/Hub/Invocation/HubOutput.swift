// HubOutput: the items that a streaming method sends to its caller, each when there is room for it.
//
//   method ── send(item) ──▶ mailbox ──▶ connection: type 2, if the stream is still wanted
//     ▲                                      │
//     └──── taken(true): the next one ◀──────┘  at once, or when the socket has caught up
//           taken(false): nobody wants more
//
// A method that waits for `taken` before it sends the next item holds one item per stream in memory,
// however slow its client is. The stream ends with the call's reply.
//
// Thread: any.  Allocates: a message per item.

public struct HubOutput: Sendable {
    private let post: @Sendable (RawValue, @escaping @Sendable (Bool) -> Void) -> Void

    init(post: @escaping @Sendable (RawValue, @escaping @Sendable (Bool) -> Void) -> Void) {
        self.post = post
    }

    /// - Parameter taken: called once, on any thread: true when the next item may be sent, false when
    ///   the stream was cancelled or its connection has ended.
    public func send(_ item: RawValue, taken: @escaping @Sendable (Bool) -> Void) {
        post(item, taken)
    }
}
