// RedisHandshake: what is said on a new connection before it carries anything else.
//
//   AUTH user password ─ SELECT n ─ CLIENT SETNAME x ─ ROLE ─ PING     all in one send
//                                                        └─▶ PONG: ready
//
// PING comes last because a server that is still loading its data refuses it. ROLE is asked where
// several servers are known, as only the master takes writes.
//
// Thread: pure functions.  Source: redis.io/commands: AUTH, ROLE, SENTINEL.

struct RedisHandshake {
    private enum Step { case auth, select, name, role, ping }

    private let options: RedisOptions
    private let server: String
    private var steps: [Step] = []
    private(set) var commands: [RedisCommand] = []

    /// - Parameters:
    ///   - server: `host:port`, for errors.
    ///   - mustBeMaster: whether a replica is refused.
    init(options: RedisOptions, server: String, mustBeMaster: Bool) {
        self.options = options
        self.server = server
        if let auth = Self.authentication(options) { add(.auth, auth) }
        if options.database != 0 { add(.select, RedisCommand("SELECT", ["\(options.database)"])) }
        if let name = options.clientName {
            add(.name, RedisCommand("CLIENT", ["SETNAME", name]))
        }
        if mustBeMaster { add(.role, RedisCommand("ROLE")) }
        add(.ping, RedisCommand("PING"))
    }

    private mutating func add(_ step: Step, _ command: RedisCommand) {
        steps.append(step)
        commands.append(command)
    }

    /// Nil without a password.
    static func authentication(_ options: RedisOptions) -> RedisCommand? {
        guard let password = options.password else { return nil }
        return RedisCommand("AUTH", options.user.map { [$0, password] } ?? [password])
    }

    /// Why the server is not to be used; nil if it is.
    func problem(in replies: [RedisReply]) -> RedisError? {
        precondition(replies.count == steps.count)
        for (step, reply) in zip(steps, replies) {
            if let problem = problem(step, reply) { return problem }
        }
        return nil
    }

    private func problem(_ step: Step, _ reply: RedisReply) -> RedisError? {
        switch (step, reply) {
        // A name is a courtesy; the server may know no names, or not let this user have one.
        case (.name, _): return nil
        // A user limited to data may not ask for the role; a replica shows by READONLY later.
        case (.role, .error): return nil
        case (.role, .array(let members)):
            if members.first?.text == "master" { return nil }
            return .unavailable(reason: "redis at \(server) is a replica and takes no writes")
        case (.auth, .error(let error)): return refusedCredentials(error)
        case (_, .error(let error)) where error.code == "NOAUTH":
            return refusedCredentials(error)
        case (.select, .error(let error)):
            return .unavailable(
                reason: "redis at \(server) has no database \(options.database): \(error);"
                    + " check \(options.settingName)")
        // A user that may not PING is told so, and that is an answer too.
        case (.ping, .error(let error)) where error.code == "NOPERM": return nil
        case (.ping, .error(let error)):
            return .unavailable(reason: "redis at \(server) is not ready: \(error)")
        default: return nil
        }
    }

    private func refusedCredentials(_ error: RedisServerError) -> RedisError {
        .authentication(
            reason: "redis at \(server) does not accept user and password: \(error);"
                + " check both in \(options.settingName)")
    }
}

/// Asking a sentinel where the master is.
enum SentinelQuery {
    static func commands(_ options: RedisOptions, master: String) -> [RedisCommand] {
        let query = RedisCommand("SENTINEL", ["get-master-addr-by-name", master])
        return RedisHandshake.authentication(options).map { [$0, query] } ?? [query]
    }

    /// Only the last reply counts: most sentinels have no password, and then refuse an AUTH.
    static func master(in replies: [RedisReply]) -> Result<RedisOptions.Server, RedisServerError> {
        switch replies.last {
        case .array(let parts)?:
            if parts.count == 2, let host = parts[0].text, let text = parts[1].text,
                let port = UInt16(text)
            {
                return .success(RedisOptions.Server(host: host, port: port))
            }
        case .error(let error)?: return .failure(error)
        case .null?: return .failure(RedisServerError("it knows no master of this name"))
        default: break
        }
        return .failure(RedisServerError("its answer is no host and port"))
    }
}
