// RedisSession: which reply answers which command, on one connection; no socket, no clock.
//
//   add ──▶ [command, command, …] ◀── replies, in the order of the commands
//              │ expire: the command is told `timedOut`, its place in the row stays
//              ▼
//           its late reply is taken by the empty place, never by the next command
//
//   flowing ─ a command expires ─▶ stalled ─ any reply ─▶ flowing
//
// Answers are handed out instead of called, so that whoever is told may send the next command.
//
// Thread: one loop.  Allocates: the row, when it grows.

import Loop

/// Who is told what became of a command.
enum RedisAnswer {
    case one((Result<RedisReply, RedisError>) -> Void)
    case batch((Result<[RedisReply], RedisError>) -> Void)
    /// The command has run into its deadline.
    case nobody

    func fail(_ error: RedisError) {
        switch self {
        case .one(let tell): tell(.failure(error))
        case .batch(let tell): tell(.failure(error))
        case .nobody: break
        }
    }
}

/// A command, or batch, that has all its replies.
struct RedisCompletion {
    fileprivate let answer: RedisAnswer
    /// The last reply; of a single command, the only one.
    fileprivate let reply: RedisReply
    /// Of a batch.
    fileprivate let replies: [RedisReply]

    /// A single command's error reply is a failure; a batch sees each of its own.
    func deliver() {
        switch answer {
        case .one(let tell):
            if case .error(let error) = reply {
                tell(.failure(.refused(error)))
            } else {
                tell(.success(reply))
            }
        case .batch(let tell): tell(.success(replies))
        case .nobody: break
        }
    }
}

struct RedisSession: ~Copyable {
    private struct Entry {
        var answer: RedisAnswer
        var deadline: MonotonicInstant
        let commandCount: Int
    }

    /// The row; what stands before `front` is answered.
    private var entries: [Entry] = []
    private var front = 0
    /// Replies to the first entry so far; kept only if it is a batch.
    private var replyCount = 0
    private var collected: [RedisReply] = []
    private var reader: RedisReader
    private let inFlightCountMax: Int
    /// Commands sent and not answered, those past their deadline included.
    private(set) var inFlightCount = 0
    /// A command has run into its deadline, and no reply has come since.
    private(set) var isStalled = false
    /// The first error of the kind that concerns the server and not the command.
    private(set) var serverError: RedisServerError?

    init(inFlightCountMax: Int, replyByteCountMax: Int) {
        self.inFlightCountMax = inFlightCountMax
        reader = RedisReader(replyByteCountMax: replyByteCountMax)
    }

    /// Puts commands that are about to be sent at the end of the row. False, and nothing is added, if
    /// there would be too many.
    mutating func add(
        _ answer: RedisAnswer, commandCount: Int, deadline: MonotonicInstant
    ) -> Bool {
        precondition(commandCount > 0)
        guard inFlightCount + commandCount <= inFlightCountMax else { return false }
        inFlightCount += commandCount
        entries.append(Entry(answer: answer, deadline: deadline, commandCount: commandCount))
        return true
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisProtocolError) {
        try reader.feed(bytes)
    }

    /// The next command, or batch, that has all its replies; nil until more bytes have been fed.
    mutating func next() throws(RedisProtocolError) -> RedisCompletion? {
        while let reply = try reader.next() {
            guard front < entries.count else {
                throw RedisProtocolError(reason: "the server sent a reply nobody asked for")
            }
            isStalled = false
            inFlightCount -= 1
            replyCount += 1
            if case .error(let error) = reply, error.isAboutServer, serverError == nil {
                serverError = error
            }
            if case .batch = entries[front].answer { collected.append(reply) }
            guard replyCount == entries[front].commandCount else { continue }
            return completeFirst(with: reply)
        }
        return nil
    }

    private mutating func completeFirst(with reply: RedisReply) -> RedisCompletion {
        let answer = entries[front].answer
        entries[front].answer = .nobody
        front += 1
        compact()
        replyCount = 0
        var replies: [RedisReply] = []
        swap(&replies, &collected)
        return RedisCompletion(answer: answer, reply: reply, replies: replies)
    }

    private mutating func compact() {
        if front == entries.count {
            entries.removeAll(keepingCapacity: true)
            front = 0
        } else if front >= 64, front * 2 > entries.count {
            entries.removeFirst(front)
            front = 0
        }
    }

    /// The first deadline of those who still wait; nil if nobody does. Looks at the whole row.
    var nextDeadline: MonotonicInstant? {
        var first: MonotonicInstant?
        for entry in entries[front...] {
            if case .nobody = entry.answer { continue }
            if first == nil || entry.deadline < first! { first = entry.deadline }
        }
        return first
    }

    /// Takes the answers whose deadline is `now` or before; their replies will be dropped.
    mutating func expire(at now: MonotonicInstant) -> [RedisAnswer] {
        var expired: [RedisAnswer] = []
        for index in front..<entries.count where entries[index].deadline <= now {
            if case .nobody = entries[index].answer { continue }
            expired.append(entries[index].answer)
            entries[index].answer = .nobody
            if index == front { collected = [] }
        }
        if !expired.isEmpty { isStalled = true }
        return expired
    }

    /// Takes everybody who still waits: the connection is gone.
    mutating func takeAll() -> [RedisAnswer] {
        let rest = entries[front...].map(\.answer)
        entries = []
        front = 0
        collected = []
        replyCount = 0
        inFlightCount = 0
        return rest
    }
}
