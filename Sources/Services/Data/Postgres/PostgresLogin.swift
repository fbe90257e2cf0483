// PostgresLogin: from options to an open session.
//
//   PQconnectStart ──▶ poll ──▶ PQconnectPoll … ──▶ open
//                       └── deadline, refused, wrong password, no such database ──▶ PostgresError
//
// libpq 15 keeps the SQLSTATE of a refused login to itself; asked for verbose messages, it writes it
// into the text, where it is read from.
//
// Thread: the caller's; blocks until the deadline. Names are resolved by libpq with getaddrinfo, the
// one step that the deadline cannot cut short; only the pool's own thread waits for it.
// Allocates: per connection.
// Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS

import CPostgres
import Glibc
import Loop

enum PostgresLogin {
    /// - Returns: a connection that the caller owns.
    static func open(
        _ options: PostgresOptions, deadline: MonotonicInstant
    ) throws(PostgresError) -> OpaquePointer {
        guard let handle = start(options) else {
            throw PostgresError(kind: .unavailable, reason: "\(options.name): out of memory")
        }
        do throws(PostgresError) {
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            PQsetNoticeReceiver(handle, dropNotice, nil)
            try finishConnecting(handle, options, deadline)
            PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
            return handle
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    private static func start(_ options: PostgresOptions) -> OpaquePointer? {
        var keywords: [UnsafeMutablePointer<CChar>?] = []
        var values: [UnsafeMutablePointer<CChar>?] = []
        for (keyword, value) in options.parameters {
            keywords.append(strdup(keyword))
            values.append(strdup(value))
        }
        defer { for text in keywords + values { free(text) } }
        let constantKeywords = keywords.map { UnsafePointer($0) } + [nil]
        let constantValues = values.map { UnsafePointer($0) } + [nil]
        return PQconnectStartParams(constantKeywords, constantValues, 0)
    }

    private static func finishConnecting(
        _ handle: OpaquePointer, _ options: PostgresOptions, _ deadline: MonotonicInstant
    ) throws(PostgresError) {
        var events = POLLOUT
        while PQstatus(handle) != CONNECTION_BAD {
            try wait(for: handle, events, until: deadline, options.name)
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = POLLIN
            case PGRES_POLLING_WRITING: events = POLLOUT
            default: throw failure(of: handle, options)
            }
        }
        throw failure(of: handle, options)
    }

    private static func failure(
        of handle: OpaquePointer, _ options: PostgresOptions
    ) -> PostgresError {
        // libpq's own error: without a password it gives up before the server can say a code.
        if PQconnectionNeedsPassword(handle) == 1 {
            return PostgresError(
                kind: .authentication,
                reason: "\(options.name): the server wants a password and none is given")
        }
        return refusal(String(cString: PQerrorMessage(handle)), options.name)
    }

    /// Sorts libpq's message, `… FATAL:  28P01: password authentication failed …` and a line of
    /// source position, or one of its own without a code.
    static func refusal(_ message: String, _ name: String) -> PostgresError {
        let line = message.split(separator: "\n").first.map { String($0) } ?? "no reason given"
        let words = line.split(separator: " ")
        let code = words.firstIndex { word in
            word.count == 6 && word.hasSuffix(":")
                && word.dropLast().allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
                && word.contains(where: \.isNumber)
        }
        guard let code else {
            return PostgresError(kind: .unavailable, reason: "\(name): \(oneLine(message))")
        }
        let text = words[(code + 1)...].joined(separator: " ")
        return PostgresError(state: String(words[code].dropLast()), message: text, name: name)
    }

    /// Waits until the socket is readable or writable, as asked.
    static func wait(
        for handle: OpaquePointer, _ events: Int32, until deadline: MonotonicInstant, _ name: String
    ) throws(PostgresError) {
        while true {
            let left = SystemTime().monotonicNow.duration(to: deadline).nanoseconds
            // Rounded up, so that the last part of a millisecond is no busy loop.
            let milliseconds = left <= 0 ? 0 : (left + 999_999) / 1_000_000
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            let count = poll(&descriptor, 1, Int32(clamping: milliseconds))
            if count > 0 { return }
            if count == 0, left <= 0 {
                throw PostgresError(kind: .deadlineExceeded, reason: "\(name): no answer in time")
            }
            // An interrupted wait goes on with the time that is left. Other errors cannot be: the
            // descriptor is libpq's, and one is no large array.
        }
    }

    /// A message of several lines as one.
    static func oneLine(_ message: String) -> String {
        message.split(whereSeparator: \.isNewline).map { line in
            String(line.drop { $0 == " " || $0 == "\t" })
        }.joined(separator: "; ")
    }

    /// Notices tell of things that the migration does on purpose ("relation already exists").
    private static let dropNotice: PQnoticeReceiver = { _, _ in }
}
