// RemoteWaiter: who waits for another pod, and what he is told where no answer comes.
//
//                     group change    question       forwarded request
//   reachedNobody     unanswered      unknown        nil
//   holderGone        unanswered      disconnected   nil
//   overdue           unanswered      unavailable    503
//   unavailable       unavailable     unavailable    503
//   abandoned         –               –              nil
//
// Thread: the backplane's loop.  Allocates: texts.

import Synchronization

/// Why no answer of another pod comes.
enum RemoteCallFailure: Equatable {
    /// No pod has taken the message.
    case reachedNobody
    /// Nobody holds the connection any more.
    case holderGone
    /// It took too long, and Redis does not tell whether the other pod lives.
    case overdue
    case unavailable(reason: String)
    /// Whoever wanted it has gone.
    case abandoned
}

enum RemoteWaiter: Sendable {
    case change(@Sendable (BackplaneError?) -> Void)
    case question(connectionID: String, @Sendable (ClientAnswer) -> Void)
    case request(@Sendable (TransportAnswer?) -> Void)

    /// Tells that nothing comes. Called once, in place of the answer.
    func fail(_ failure: RemoteCallFailure, _ counters: BackplaneCounters) {
        switch self {
        case .change(let done): done(Self.error(of: failure))
        case .question(let id, let answered):
            counters.questionsFailed.add(1, ordering: .relaxed)
            answered(Self.answer(of: failure, connectionID: id))
        case .request(let answered): answered(Self.transportAnswer(of: failure))
        }
    }

    private static func error(of failure: RemoteCallFailure) -> BackplaneError {
        switch failure {
        case .reachedNobody, .holderGone, .overdue, .abandoned: .unanswered
        case .unavailable(let reason): .unavailable(reason: reason)
        }
    }

    private static func answer(of failure: RemoteCallFailure, connectionID: String) -> ClientAnswer
    {
        switch failure {
        case .reachedNobody: .unknown(connectionID: connectionID)
        case .holderGone, .abandoned: .disconnected(connectionID: connectionID)
        case .overdue:
            .unavailable(reason: "Connection '\(connectionID)' has not answered in time.")
        case .unavailable(let reason): .unavailable(reason: reason)
        }
    }

    private static func transportAnswer(of failure: RemoteCallFailure) -> TransportAnswer? {
        switch failure {
        case .reachedNobody, .holderGone, .abandoned: nil
        // Without a text: the reason names our servers, and goes to a client.
        case .overdue, .unavailable: TransportAnswer(status: 503, contentType: "", body: [])
        }
    }
}
