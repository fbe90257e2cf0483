// ConfigurationProblem: one thing that is wrong with how we were started, and how to mend it.
//
//   --threads: "many" cannot be used; write a whole number from 0 to 64
//   CONTOSO_LOG__LEVLE: no such setting; did you mean CONTOSO_LOG__LEVEL?
//
// Thread: a pure value.

/// One line for the operator.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The command line names something that does not exist.
        case usage
        /// A value is missing, malformed or contradicts another.
        case configuration
    }

    public let kind: Kind
    /// The flag, variable or file member it is about.
    public let subject: String
    /// What is wrong, and what to do.
    public let text: String

    init(_ kind: Kind, _ subject: String, _ text: String) {
        self.kind = kind
        self.subject = subject
        self.text = text
    }

    public var description: String { "\(subject): \(text)" }
}

/// Everything that is wrong, found in one go.
public struct ConfigurationError: Error, Sendable {
    public let problems: [ConfigurationProblem]

    public var exitCode: ExitCode {
        problems.contains { $0.kind == .usage } ? .usage : .configuration
    }
}
