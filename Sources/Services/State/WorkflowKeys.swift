// WorkflowKeys: the names under which the workflow state stands in Redis.
//
//   order:map:{guid}   order:status:{guid}   ws:session:{guid}
//
// The .NET services use the same names, so both kinds of pods see the same orders.
//
// Thread: pure functions.  Allocates: the name.

enum WorkflowKeys {
    /// The owner's user id.
    static func owner(_ correlation: CorrelationID) -> String { "order:map:\(correlation)" }

    /// `ACCEPTED`, `PROCESSING`, `COMPLETED|42`.
    static func status(_ correlation: CorrelationID) -> String { "order:status:\(correlation)" }

    /// The owner's user id as earlier versions wrote it; read only.
    static func legacyOwner(_ correlation: CorrelationID) -> String { "ws:session:\(correlation)" }
}
