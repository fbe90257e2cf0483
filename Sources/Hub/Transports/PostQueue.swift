// PostQueue: POSTs that wait because the hub has not read enough of the earlier ones.
//
//   POST ─▶ room? ─▶ the hub, 200 at once
//           full? ─▶ [ POST POST … ] ─▶ when half is read: the hub, 200, in order
//                          └ the connection ends: 404
//
// Thread: one loop.  Allocates: per POST that waits.
// Source: SignalR TransportProtocols; ASP.NET Core's ApplicationMaxBufferSize.

final class PostQueue {
    private struct Post {
        /// Nil once the hub has them, and only the answer is owed.
        let bytes: [UInt8]?
        let answer: PollQueue.Answer
    }

    private var posts: [Post] = []

    var isEmpty: Bool { posts.isEmpty }

    func wait(_ bytes: [UInt8]?, answer: @escaping PollQueue.Answer) {
        posts.append(Post(bytes: bytes, answer: answer))
    }

    /// The next one is answered; its bytes, if the hub does not have them.
    func next() -> [UInt8] {
        let post = posts.removeFirst()
        post.answer(.accepted)
        return post.bytes ?? []
    }

    /// The connection has ended.
    func refuseAll() {
        let waiting = posts
        posts = []
        for post in waiting { post.answer(.unknownID) }
    }
}
