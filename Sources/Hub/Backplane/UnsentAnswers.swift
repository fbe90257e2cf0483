// UnsentAnswers: answers to other pods that Redis has not taken, kept for a moment.
//
//   PUBLISH fails ─▶ keep ─▶ the connection is back ─▶ takeAll ─▶ PUBLISH
//                      └─ too many, or too old ─▶ dropped
//
// Other messages are not kept: who sends them learns of the failure. But whoever waits for an answer
// sits on another pod, which may be well connected: it would wait for ever. An answer that comes twice
// is ignored.
//
// Thread: one loop.  Allocates: when it grows.

import Loop

struct UnsentAnswers {
    struct Answer {
        let payload: [UInt8]
        let channel: String
        /// Nobody waits beyond it.
        let deadline: MonotonicInstant
    }

    private let byteCountMax: Int
    private var answers: [Answer] = []
    private var byteCount = 0

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// False, and it is dropped, if there is no room.
    mutating func keep(_ answer: Answer) -> Bool {
        let grown = byteCount + answer.payload.count
        guard grown <= byteCountMax else { return false }
        byteCount = grown
        answers.append(answer)
        return true
    }

    /// Those that somebody may still wait for, in the order they were kept.
    mutating func takeAll(at now: MonotonicInstant) -> [Answer] {
        defer {
            answers = []
            byteCount = 0
        }
        return answers.filter { now < $0.deadline }
    }
}
