// HubTarget: who shall receive an invocation, on all loops and all pods.
//
// Names and ids are compared case included. Unknown ones are nobody, never an error.
//
// Thread: a pure value.  Source: ASP.NET Core SignalR, "Users and groups".

public enum HubTarget: Equatable, Sendable {
    case all
    case allExcept([String])
    case connection(String)
    case connections([String])
    case group(String)
    /// A member of two of the groups receives two copies.
    case groups([String])
    case groupExcept(String, excluded: [String])
    /// All connections of the user.
    case user(String)
    case users([String])
}
