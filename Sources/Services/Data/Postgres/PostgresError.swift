// PostgresError: what the server or the link said, sorted once by what can be done about it.
//
//   08, 57P0x, 53, link lost, deadline, read-only   ──▶ StoreError.unavailable
//   40001, 40P01                                    ──▶ repeated here, then unavailable
//   23505                                           ──▶ repeated by calls that may lose a race
//   the rest                                        ──▶ StoreError.failed
//
// Thread: pure functions.  Source: https://www.postgresql.org/docs/15/errcodes-appendix.html

struct PostgresError: Error, Sendable {
    enum Kind: Equatable, Sendable {
        /// The connection is gone, and with it the transaction, or the answer to a COMMIT.
        case connectionLost
        /// No answer in time; the connection cannot be used any more.
        case deadlineExceeded
        /// Wrong user or password, or no right to connect.
        case authentication
        case unknownDatabase
        /// The server refuses now and may not later: starting, stopping, out of connections.
        case unavailable
        /// It takes reads only: a standby, or a primary that has been demoted.
        case readOnly
        /// Serialization failure or deadlock: nothing was done, the same transaction may succeed.
        case conflict
        /// A unique index has the key already.
        case duplicate
        case failed
    }

    let kind: Kind
    /// Names the database and says what happened; one line, never a password.
    let reason: String

    init(kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// - Parameters:
    ///   - state: SQLSTATE, five characters.
    ///   - message: the server's primary message.
    ///   - name: `PostgresOptions.name`.
    init(state: String, message: String, name: String) {
        kind = Self.kind(of: state)
        reason = "\(name): \(message) (SQLSTATE \(state))"
    }

    static func kind(of state: String) -> Kind {
        switch state {
        case "40001", "40P01": .conflict
        case "23505": .duplicate
        case "25006": .readOnly
        case "3D000": .unknownDatabase
        case "28000", "28P01": .authentication
        // A crash or a shutdown of the server, also while it starts; a session ended on purpose.
        case "57P01", "57P02", "57P03", "57P05", "25P03": .connectionLost
        // Waited too long for a lock or ran too long: busy now.
        case "55P03", "57014": .unavailable
        default:
            switch state.prefix(2) {
            case "08": .connectionLost
            case "53": .unavailable
            default: .failed
            }
        }
    }

    /// The connection it came from must not be used again.
    var endsConnection: Bool {
        switch kind {
        case .connectionLost, .deadlineExceeded, .authentication, .unknownDatabase, .readOnly: true
        case .unavailable, .conflict, .duplicate, .failed: false
        }
    }

    var storeError: StoreError {
        switch kind {
        case .connectionLost, .deadlineExceeded, .unavailable, .readOnly, .conflict, .duplicate:
            .unavailable(reason)
        case .authentication:
            // The password may be changed on one side some seconds before the other.
            .unavailable("\(reason); check user and password")
        case .unknownDatabase:
            .unavailable("\(reason); create it with `contoso migrate --database URL`")
        case .failed: .failed(reason)
        }
    }
}
