// PollQueue: what waits for the next poll of a long-polling client, or the poll that waits for it.
//
//   append ─▶ [ backlog ] ─▶ poll: 200 with all of it
//             [ nothing ] ─▶ poll waits ─┬─ append ─▶ 200
//                                        ├─ pollTimeout ─▶ 200, empty
//                                        ├─ a newer poll, delete, finish ─▶ 204
//                                        └─ its client has gone ─▶ nobody
//
// At most one of the two is there at a time. The first poll opens the connection and is answered at
// once. After `finish`, what is left goes out with 200, and the next poll gets 204.
//
// Thread: one loop.  Allocates: see PollBacklog.
// Source: SignalR TransportProtocols, "Long polling"; answers as .NET 8.

import Loop

final class PollQueue {
    typealias Answer = @Sendable (TransportAnswer?) -> Void

    private struct Poll {
        let requestID: String
        let answer: Answer
        let until: MonotonicInstant
    }

    private var backlog = PollBacklog()
    private var waiting: Poll?
    /// The first poll, which opens the connection.
    private var first: Answer?
    private(set) var isFinished = false
    /// The client knows that it is over.
    private(set) var isDrained = false
    /// It is over, and the client has not fetched our last words.
    var hasLastWords: Bool { isFinished && backlog.byteCount > 0 }
    /// Since when no poll waits.
    private var idleSince: MonotonicInstant
    private let byteCountHigh: Int
    private let policy: SlowConsumerPolicy
    private let pollTimeout: Duration
    let posts = PostQueue()

    /// - Parameter first: answers the poll that opens the connection.
    init(options: HubOptions, now: MonotonicInstant, first: @escaping Answer) {
        self.first = first
        byteCountHigh = options.waitingByteCountHigh
        policy = options.slowClient
        pollTimeout = options.pollTimeout
        idleSince = now
    }

    var byteCount: Int { backlog.byteCount }

    var isBackpressured: Bool { byteCount > byteCountHigh }

    /// How long the client has been away; nil while one of its polls waits.
    func idleTime(at now: MonotonicInstant) -> Duration? {
        waiting == nil ? idleSince.duration(to: now) : nil
    }

    // MARK: From the session

    /// The client may poll and POST from now on, on whichever pod.
    func begin() {
        first?(.opened)
        first = nil
    }

    /// Whole hub messages.
    ///
    /// - Returns: how many that waited this one has superseded.
    func append(_ records: [UInt8], _ expendability: Expendability = .kept) -> Int {
        let isSuperseding = policy == .coalesce && isBackpressured && expendability.hasSubject
        let count = isSuperseding ? backlog.drop(about: expendability) : 0
        backlog.append(records, expendability)
        tell()
        return count
    }

    /// Leaves out the oldest pushes until at most `byteCountMax` bytes wait.
    ///
    /// - Returns: how many.
    func dropPushes(downTo byteCountMax: Int) -> Int { backlog.drop(downTo: byteCountMax) }

    func finish() {
        begin()
        isFinished = true
        tell()
    }

    private func tell() {
        guard let poll = waiting, let answer = takeAnswer() else { return }
        waiting = nil
        poll.answer(answer)
    }

    private func takeAnswer() -> TransportAnswer? {
        if backlog.byteCount > 0 { return .records(backlog.takeAll()) }
        if isFinished {
            isDrained = true
            return .over
        }
        return nil
    }

    // MARK: From the client

    /// - Parameter answer: called once.
    /// - Returns: whether anything that waited has gone out.
    func poll(
        _ requestID: String, at now: MonotonicInstant, answer: @escaping Answer
    ) -> Bool {
        idleSince = now
        if let older = waiting {
            waiting = nil
            older.answer(.over)
        }
        if let ready = takeAnswer() {
            answer(ready)
            return true
        }
        waiting = Poll(
            requestID: requestID, answer: answer, until: now.advanced(by: pollTimeout))
        return false
    }

    /// Nobody waits for this poll any more.
    func abandon(_ requestID: String, at now: MonotonicInstant) {
        guard let poll = waiting, poll.requestID == requestID else { return }
        waiting = nil
        idleSince = now
        poll.answer(.over)
    }

    /// Answers a poll that has waited long enough.
    func expire(at now: MonotonicInstant) {
        guard let poll = waiting, now >= poll.until else { return }
        waiting = nil
        idleSince = now
        poll.answer(.nothing)
    }

    /// The client has said that it is over: what is left is not for it.
    func delete() {
        begin()
        backlog = PollBacklog()
        isFinished = true
        isDrained = true
        waiting?.answer(.over)
        waiting = nil
    }
}

extension TransportAnswer {
    /// Whole hub messages.
    static func records(_ bytes: [UInt8]) -> TransportAnswer {
        TransportAnswer(status: 200, contentType: "application/octet-stream", body: bytes)
    }

    /// A first poll.
    static let opened = TransportAnswer(
        status: 200, contentType: "application/octet-stream", body: [])
    /// A poll without anything to tell.
    static let nothing = TransportAnswer(status: 200, contentType: "text/plain", body: [])
    /// Nothing more will come.
    static let over = TransportAnswer(status: 204, contentType: "text/plain", body: [])
    /// A POST whose bytes the hub has.
    static let accepted = TransportAnswer(status: 200, contentType: "text/plain", body: [])
    /// A DELETE.
    static let deleted = TransportAnswer(status: 202, contentType: "text/plain", body: [])
    /// A first poll in front of our end.
    static let leaving = refusal(503, "The server is going down")
    /// `HubOptions.sessionCountMax`, `HubOptions.userConnectionCountMax`.
    static let sessionsFull = refusal(503, "Too many connections; try again later")
    static let userFull = refusal(429, "Too many connections of this user")
    static let unknownID = refusal(404, "No Connection with that ID")
    /// A second event stream.
    static let inUse = TransportAnswer(status: 409, contentType: "text/plain", body: [])
    static let otherTransport = refusal(400, "Cannot change transports mid-connection")
    static let notDeletable = refusal(
        400, "Cannot terminate this connection using the DELETE endpoint.")
    static let notPostable = refusal(
        405, "POST requests are not allowed for WebSocket connections.")

    private static func refusal(_ status: Int, _ text: String) -> TransportAnswer {
        TransportAnswer(status: status, contentType: "text/plain", body: Array(text.utf8))
    }
}
