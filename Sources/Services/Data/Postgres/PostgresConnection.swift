// PostgresConnection: one session, driven without ever blocking in libpq.
//
//   run([a, b, c]) ──▶ prepare once ──▶ a b c sync in one send ──▶ results of a, b, c in one wait
//
// Every wait is a poll(2) that ends at `deadline`. A session whose deadline has passed in the middle
// of something, or whose link is gone, is broken: nobody knows what the server did, so it is thrown
// away and never asked again. What runs on is ended by the server's own time-outs.
//
// SQL is a StaticString: a value can reach a statement as a parameter only, and the literal's address
// is the key of the statement cache.
//
// Thread: one at a time; PostgresPool lends it out.  Allocates: per statement text once, per call
// the parameters and the results.
// Source: https://www.postgresql.org/docs/15/libpq-async.html, libpq-pipeline-mode.html

import CPostgres
import Glibc
import Loop

/// A statement with the values of its `$1`, `$2`, ….
struct PostgresStatement: Sendable {
    let sql: StaticString
    let values: [PostgresValue]

    init(_ sql: StaticString, _ values: PostgresValue...) {
        self.sql = sql
        self.values = values
    }
}

// @unchecked: the pool hands a connection to one thread at a time.
final class PostgresConnection: @unchecked Sendable {
    /// `PostgresOptions.name`, for errors.
    let name: String
    let openedAt: MonotonicInstant
    /// When the pool replaces it; set by the pool.
    var expiresAt: MonotonicInstant
    /// When a call borrowed it last; set by the pool.
    var lentAt: MonotonicInstant
    /// When the call that uses the connection must have its answer.
    var deadline: MonotonicInstant
    /// True once it can be used for nothing but closing.
    private(set) var isBroken = false

    private let handle: OpaquePointer
    /// Names of prepared statements by the address of their text.
    private var prepared: [UInt: String] = [:]
    /// Those that failed counted too: a name is used once.
    private var preparedCount = 0

    /// Connects and logs in.
    init(_ options: PostgresOptions, deadline: MonotonicInstant) throws(PostgresError) {
        name = options.name
        openedAt = SystemTime().monotonicNow
        expiresAt = MonotonicInstant(nanoseconds: .max)
        lentAt = openedAt
        self.deadline = deadline
        handle = try PostgresLogin.open(options, deadline: deadline)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            let error = PostgresError(kind: .failed, reason: "\(name): libpq has no pipeline mode")
            PQfinish(handle)
            throw error
        }
    }

    /// Says goodbye if there is room in the socket for it, and closes.
    deinit { PQfinish(handle) }

    /// False if the server has sent anything since the last use: it ends the session, mostly, and
    /// says why. A changed setting ends it here too; that is rare, and a new session is cheap.
    var isQuiet: Bool {
        if isBroken { return false }
        var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 0
    }

    /// Sleeps on the calling thread, at most until the deadline.
    func pause(_ duration: Duration) {
        Self.pause(min(duration, SystemTime().monotonicNow.duration(to: deadline)))
    }

    static func pause(_ duration: Duration) {
        // An interrupted sleep is a shorter pause; nothing depends on its length.
        usleep(UInt32(clamping: max(0, duration.nanoseconds / 1000)))
    }

    // MARK: Statements

    /// Runs a statement alone.
    @discardableResult
    func run(_ sql: StaticString, _ values: PostgresValue...) throws(PostgresError) -> PostgresRows
    {
        try run([PostgresStatement(sql, values)])[0]
    }

    /// Runs statements in order in one round trip. Outside of BEGIN … COMMIT they are one
    /// transaction. The first that fails ends the rest and is thrown.
    ///
    /// - Returns: one result per statement.
    @discardableResult
    func run(_ statements: [PostgresStatement]) throws(PostgresError) -> [PostgresRows] {
        assert(!isBroken, "a broken connection is thrown away")
        var expected: [Expected] = []
        for statement in statements { try send(statement, &expected) }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        return try receive(expected)
    }

    /// Runs several statements that take no values; each is seen by the server only when those
    /// before it are done. Outside of BEGIN … COMMIT they are one transaction.
    func execute(_ script: StaticString) throws(PostgresError) {
        try execute(script.description)
    }

    /// - Parameter script: with no part that came from outside.
    func execute(_ script: String) throws(PostgresError) {
        // The simple protocol and pipeline mode exclude each other.
        guard PQexitPipelineMode(handle) == 1, PQsendQuery(handle, script) == 1 else {
            throw lost()
        }
        var first: PostgresError?
        while let result = try nextResult(unless: &first) {
            first = first ?? error(in: result)
            PQclear(result)
        }
        if PQenterPipelineMode(handle) != 1 { throw first.map(noted) ?? lost() }
        if let first { throw noted(first) }
    }

    // MARK: Sending

    private enum Expected {
        /// The answer to a Parse; the text counts as prepared when it has come.
        case prepared(key: UInt, name: String)
        case rows
    }

    private func send(
        _ statement: PostgresStatement, _ expected: inout [Expected]
    ) throws(PostgresError) {
        let key = UInt(bitPattern: statement.sql.utf8Start)
        var name = prepared[key]
        if name == nil {
            for case .prepared(key: key, name: let sent) in expected { name = sent }
        }
        let count = Int32(statement.values.count)
        if name == nil {
            preparedCount += 1
            let new = "s\(preparedCount)"
            let text = UnsafeRawPointer(statement.sql.utf8Start).assumingMemoryBound(to: CChar.self)
            let types = statement.values.map(\.type)
            guard PQsendPrepare(handle, new, text, count, types) == 1 else { throw lost() }
            expected.append(.prepared(key: key, name: new))
            name = new
        }
        var bytes: [UInt8] = []
        var starts: [Int?] = []
        var lengths: [Int32] = []
        for value in statement.values {
            let start = bytes.count
            starts.append(value.append(to: &bytes) ? start : nil)
            lengths.append(Int32(bytes.count - start))
        }
        // An array without bytes may have no address, and libpq takes no address for NULL.
        bytes.append(0)
        let formats = [Int32](repeating: 1, count: statement.values.count)
        let isSent = bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
            let pointers = starts.map { start in start.map { base + $0 } }
            return PQsendQueryPrepared(handle, name, count, pointers, lengths, formats, 1)
        }
        guard isSent == 1 else { throw lost() }
        expected.append(.rows)
    }

    // MARK: Receiving

    private func receive(_ expected: [Expected]) throws(PostgresError) -> [PostgresRows] {
        var all: [PostgresRows] = []
        all.reserveCapacity(expected.count)
        var first: PostgresError?
        for entry in expected {
            // One result, then the nil that ends the statement.
            while let result = try nextResult(unless: &first) {
                let rows = PostgresRows(owning: result)
                if first == nil { first = error(in: result) }
                guard first == nil else { continue }
                switch entry {
                case .prepared(let key, let name): prepared[key] = name
                case .rows: all.append(rows)
                }
            }
        }
        guard let sync = try nextResult(unless: &first) else { throw first.map(noted) ?? lost() }
        defer { PQclear(sync) }
        if PQresultStatus(sync) != PGRES_PIPELINE_SYNC {
            isBroken = true
            throw first ?? error(in: sync) ?? lost()
        }
        if let first { throw noted(first) }
        return all
    }

    /// The next result, or nil at the end of a statement's.
    ///
    /// - Parameter known: what the server has said before the link broke; it tells more than that.
    private func nextResult(
        unless known: inout PostgresError?
    ) throws(PostgresError) -> OpaquePointer? {
        while true {
            let unsent = PQflush(handle)
            if unsent < 0 || PQstatus(handle) == CONNECTION_BAD {
                // What the server said last (why it ends the session) may have arrived before.
                _ = PQconsumeInput(handle)
                if PQisBusy(handle) == 0, let result = PQgetResult(handle) { return result }
                throw known.map(noted) ?? lost()
            }
            if PQisBusy(handle) == 0 { return PQgetResult(handle) }
            let events = unsent == 1 ? POLLIN | POLLOUT : POLLIN
            do { try PostgresLogin.wait(for: handle, events, until: deadline, name) } catch {
                isBroken = true
                throw error
            }
            if PQconsumeInput(handle) == 0, PQisBusy(handle) == 1 {
                throw known.map(noted) ?? lost()
            }
        }
    }

    // MARK: Errors

    private func error(in result: OpaquePointer) -> PostgresError? {
        switch PQresultStatus(result) {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR: break
        default: return nil
        }
        // The field codes of the protocol: C is the SQLSTATE, M the primary message.
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        let message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map {
            String(cString: $0)
        }
        guard let state else { return lost() }
        return PostgresError(state: state, message: message ?? "no message", name: name)
    }

    /// The link's own failure.
    private func lost() -> PostgresError {
        isBroken = true
        let message = PostgresLogin.oneLine(String(cString: PQerrorMessage(handle)))
        return PostgresError(kind: .connectionLost, reason: "\(name): connection lost: \(message)")
    }

    private func noted(_ error: PostgresError) -> PostgresError {
        if error.endsConnection || PQstatus(handle) == CONNECTION_BAD { isBroken = true }
        return error
    }
}

extension PostgresStatement {
    fileprivate init(_ sql: StaticString, _ values: [PostgresValue]) {
        self.sql = sql
        self.values = values
    }
}
