// ExitCode: how the process ended, in the numbers that scripts and supervisors know.
//
// Thread: a pure value.  Source: man 3 sysexits for 69 and 78.

/// The status `contoso` exits with. An end by a signal is the shell's 128 + n and not ours.
public enum ExitCode: Int32, Sendable {
    case success = 0
    /// Something failed while it ran.
    case failure = 1
    /// The command line has no such command or flag.
    case usage = 2
    /// A database, broker or server that is needed does not answer (EX_UNAVAILABLE).
    case unavailable = 69
    /// A setting is missing, malformed or contradicts another (EX_CONFIG).
    case configuration = 78
}
