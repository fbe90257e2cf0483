// HubException: the error whose text is meant for the caller; and what becomes of every other one.
//
//   HubException("no") ─▶ … HubException: no                  always
//   any other error    ─▶ … TypeName: its description         with detailed errors on, else nothing
//
// Thread: a pure value.  Source: ASP.NET Core SignalR 8, HubException, ErrorMessageHelper.

/// Thrown by a method to tell its caller something; and to a method what its client has said.
public struct HubException: Error, Equatable, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { text }

    public init(_ text: String) { self.text = text }
}

/// How an untyped method has failed, on its way through the filters.
struct UntypedFailure: Error, CustomStringConvertible {
    let outcome: HubOutcome

    var description: String {
        switch outcome {
        case .failure(let detail?): detail
        default: "\(outcome)"
        }
    }
}

extension HubOutcome {
    /// Of a method that threw.
    init(_ error: any Error) {
        self =
            switch error {
            case let exception as HubException: .hubException(exception.text)
            case let failure as BindingFailure: .bindingFailed(failure)
            case let failure as UntypedFailure: failure.outcome
            default: .thrown(type: "\(type(of: error))", message: "\(error)")
            }
    }
}
