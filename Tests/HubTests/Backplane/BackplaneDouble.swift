// BackplaneDouble: what stand-ins for a backplane need not say: no other pod holds anybody.

@testable import Hub

protocol BackplaneDouble: Backplane {}

extension BackplaneDouble {
    var isReachedThroughOthers: Bool { true }

    func ask(
        _ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer) -> Void
    ) { answered(.unknown(connectionID: question.connectionID)) }

    func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) { if request.kind != .abandon { answered(nil) } }
}
