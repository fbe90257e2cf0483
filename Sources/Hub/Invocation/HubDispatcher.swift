// HubDispatcher: from a target's name to its method, or to the text of an error completion.
//
//   known name? ─▶ argument count? ─▶ kind of call? ─▶ stream ids? ─▶ the method
//        └───────────────┴─────────────────┴───────────────┴──▶ error text
//
// The texts are the replaced system's; clients compare them. Names appear as the client wrote them.
//
// Thread: an immutable value.  Allocates: error texts only.  Source: ASP.NET Core SignalR 8.

/// How a method ended.
public enum HubOutcome: Equatable, Sendable {
    case result(RawValue)
    /// No value; travels as a null result.
    case void
    /// An error whose text is meant for the caller.
    case hubException(String)
    /// Any other error; its text is sent only when detailed errors are on.
    case failure(detail: String?)
    /// The same for an error of a known type.
    case thrown(type: String, message: String)
    /// The arguments did not fit, which was found out after the method had returned.
    case bindingFailed(BindingFailure)
    /// How a stream ended that had begun; an error of the above.
    indirect case brokeOff(HubOutcome)
    /// A streaming method came to no stream: something in front of it has skipped it.
    case noStream
}

struct HubDispatcher: Sendable {
    enum Decision {
        case call(HubMethod)
        case refuse(String)
    }

    let methods: HubMethods
    let enableDetailedErrors: Bool

    /// - Parameter wantsStream: the client sent a stream invocation.
    func decide(_ invocation: Invocation, wantsStream: Bool) -> Decision {
        let name = invocation.target
        guard let method = methods.find(name) else {
            return .refuse(
                "Failed to invoke '\(name)' due to an error on the server. "
                    + "HubException: Method does not exist.")
        }
        if let failure = invocation.bindingFailure {
            return .refuse(text(for: failure, target: name))
        }
        let provided = invocation.arguments.count
        if provided != method.arity {
            let failure = BindingFailure.count(provided: provided, expected: method.arity)
            return .refuse(text(for: failure, target: name))
        }
        if wantsStream != method.isStreaming {
            return .refuse(
                wantsStream
                    ? "The client attempted to invoke the non-streaming '\(name)' method "
                        + "with a streaming invocation."
                    : "The client attempted to invoke the streaming '\(name)' method "
                        + "with a non-streaming invocation.")
        }
        if invocation.streamIDs.count != method.uploadCount {
            return .refuse(
                text(
                    ofHubException: "Client sent \(invocation.streamIDs.count) stream(s), "
                        + "Hub method expects \(method.uploadCount).", target: name))
        }
        return .call(method)
    }

    func text(for failure: BindingFailure, target: String) -> String {
        "Failed to invoke '\(target)' due to an error on the server."
            + (enableDetailedErrors ? " InvalidDataException: \(failure.detail)" : "")
    }

    func unauthorizedText(target: String) -> String {
        "Failed to invoke '\(target)' because user is unauthorized"
    }

    /// An error whose reason is meant for the caller.
    func text(ofHubException reason: String, target: String) -> String {
        "An unexpected error occurred invoking '\(target)' on the server. HubException: \(reason)"
    }

    /// The completion of a method that has run.
    func completion(
        id: String, target: String, isStreaming: Bool = false, outcome: HubOutcome
    ) -> Completion {
        let wire: Completion.Outcome =
            switch outcome {
            // A stream has had its values.
            case .result where isStreaming, .void where isStreaming: .void
            case .result(let value): .result(value)
            // .NET completes a method without a value with a null one; its clients expect that.
            case .void: .result(.null)
            case .bindingFailed(let failure): .error(text(for: failure, target: target))
            case .brokeOff(let error):
                .error(
                    "An error occurred on the server while streaming results." + detail(of: error))
            case .noStream:
                .error(
                    "The value returned by the streaming method '\(target)' is not a "
                        + "ChannelReader<> or IAsyncEnumerable<>.")
            case .hubException, .failure, .thrown:
                .error(
                    "An unexpected error occurred invoking '\(target)' on the server."
                        + detail(of: outcome))
            }
        return Completion(invocationID: id, outcome: wire)
    }

    private func detail(of outcome: HubOutcome) -> String {
        outcome.detail(whenDetailed: enableDetailedErrors)
    }
}

extension HubOutcome {
    /// What a client is told of an error beyond its kind.
    func detail(whenDetailed isDetailed: Bool) -> String {
        switch self {
        case .hubException(let text): " HubException: \(text)"
        case .failure(let text?) where isDetailed: " Exception: \(text)"
        case .thrown(let type, let message) where isDetailed: " \(type): \(message)"
        default: ""
        }
    }
}
