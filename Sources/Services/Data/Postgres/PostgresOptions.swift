// PostgresOptions: where the database is and how to log in, read from one text.
//
//   postgres://user:pass@host:port/db?sslmode=require   ─┐
//   host=… port=… dbname=… user=… password=…            ─┼─▶ libpq's keywords and values
//   Host=…;Port=…;Username=…;Password=…;Database=…      ─┘   (as .NET programs write it)
//
// Errors never quote the text, because a part that cannot be read may be part of a password.
//
// Thread: a pure value.  Allocates: freely, once.
// Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING

import CPostgres
import Glibc
import Loop

/// Why a text names no PostgreSQL database; never contains a part of the text.
public struct PostgresOptionsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    static let supported =
        "supported are postgres://user:password@host:port/database?sslmode=require, "
        + "host=… port=… dbname=… user=… password=…, and "
        + "Host=…;Port=…;Username=…;Password=…;Database=…;SSL Mode=Require"

    init(_ problem: String) { description = "\(problem); \(Self.supported)" }
}

public struct PostgresOptions: Equatable, Sendable {
    /// libpq's keywords; a keyword stands in it once.
    var parameters: [String: String]
    /// For one attempt to connect, name resolution aside; `connect_timeout` of the text, in whole
    /// seconds.
    public private(set) var connectTimeout: Duration = .seconds(2)

    public init(parsing text: String) throws(PostgresOptionsError) {
        if let end = text.range(ofScheme: "://") {
            guard ["postgres", "postgresql"].contains(text[..<end].lowercased()) else {
                throw PostgresOptionsError("the database URL's scheme is not postgres")
            }
            parameters = try Self.conninfo(text)
        } else {
            parameters = try Self.pairs(text)
        }
        if let timeout = parameters.removeValue(forKey: "connect_timeout") {
            guard let seconds = Int(timeout), (1...600).contains(seconds) else {
                throw PostgresOptionsError("the connect time-out is not in 1...600 seconds")
            }
            connectTimeout = .seconds(seconds)
        }
        try checkValues()
        parameters["client_encoding"] = "UTF8"
        parameters["application_name"] = parameters["application_name"] ?? "contoso"
    }

    /// Either form of pairs. A semicolon tells of the .NET one, but may stand in a password too; a
    /// text that was read in the wrong form shows it by names with the next pair inside.
    private static func pairs(_ text: String) throws(PostgresOptionsError) -> [String: String] {
        let semicolons = Result { () throws(PostgresOptionsError) in
            try SemicolonPairs(text).libpqParameters()
        }
        let blanks = Result { () throws(PostgresOptionsError) in try conninfo(text) }
        for form in text.contains(";") ? [semicolons, blanks] : [blanks, semicolons] {
            if case .success(let parameters) = form, isPlausible(parameters) { return parameters }
        }
        if case .failure(let error) = semicolons { throw error }
        throw PostgresOptionsError("the database's connection text cannot be read")
    }

    private static func isPlausible(_ parameters: [String: String]) -> Bool {
        ["host", "port", "dbname", "user"].allSatisfy { keyword in
            parameters[keyword]?.contains { $0 == "=" || $0 == ";" } != true
        }
    }

    private static func conninfo(
        _ text: String
    ) throws(PostgresOptionsError) -> [String: String] {
        // The message is dropped: it quotes what could not be read.
        guard let first = PQconninfoParse(text, nil) else {
            throw PostgresOptionsError("the database's connection text cannot be read")
        }
        defer { PQconninfoFree(first) }
        var parameters: [String: String] = [:]
        var entry = first
        while let keyword = entry.pointee.keyword {
            if let value = entry.pointee.val {
                parameters[String(cString: keyword)] = String(cString: value)
            }
            entry += 1
        }
        return parameters
    }

    /// What libpq would find only when it connects, where it looks like a server that is away.
    private func checkValues() throws(PostgresOptionsError) {
        // One port for all hosts, or one for each; an empty one is the default.
        for port in (parameters["port"] ?? "").split(separator: ",") {
            guard let number = Int(port), (1...65_535).contains(number) else {
                throw PostgresOptionsError("the database's port is not in 1...65535")
            }
        }
        if let mode = parameters["sslmode"], !Self.modes.contains(mode) {
            throw PostgresOptionsError("the database's sslmode is none of libpq's")
        }
    }

    /// The first file the text names that cannot be read. libpq finds it when it connects, and then
    /// it looks like a server that is away.
    public var unreadableFile: String? {
        ["sslrootcert", "sslcert", "sslkey", "sslcrl"].lazy.compactMap { parameters[$0] }
            .first { access($0, R_OK) != 0 }
    }

    /// The same, trusting the system's authorities where certificates are verified and neither the
    /// text nor libpq's own places name others: `sslmode=verify-full` alone then works in a container,
    /// which has no `~/.postgresql/root.crt`.
    ///
    /// - Parameter variable: a variable of the environment.
    /// - Parameter isReadable: whether there is such a file.
    public func trustingSystem(
        variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } },
        isReadable: (String) -> Bool = { access($0, R_OK) == 0 }
    ) -> PostgresOptions {
        let own = variable("HOME").map { "\($0)/.postgresql/root.crt" }
        guard parameters["sslmode"]?.hasPrefix("verify") == true, parameters["sslrootcert"] == nil,
            variable("PGSSLROOTCERT") == nil, own.map(isReadable) != true
        else { return self }
        var copy = self
        copy.parameters["sslrootcert"] = variable("SSL_CERT_FILE") ?? Self.systemAuthorities
        return copy
    }

    /// Debian's package ca-certificates.
    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    private static let modes: Set = [
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
    ]

    /// The same server and login with another database.
    func with(database: String) -> PostgresOptions {
        var copy = self
        copy.parameters["dbname"] = database
        return copy
    }

    /// Without a name libpq takes the user's.
    var database: String { parameters["dbname"] ?? parameters["user"] ?? "postgres" }

    /// `database 'orders' at db.example:5432`, for logs and errors.
    public var name: String {
        let host = parameters["host"] ?? parameters["hostaddr"] ?? "the local socket"
        return "database '\(database)' at \(host):\(parameters["port"] ?? "5432")"
    }
}

extension String {
    /// Where the scheme of a URL ends; nil if the text does not begin like one.
    fileprivate func range(ofScheme mark: String) -> Index? {
        guard let colon = firstIndex(of: ":"), self[colon...].hasPrefix(mark) else { return nil }
        return self[..<colon].allSatisfy { $0.isLetter } ? colon : nil
    }
}

/// `Key=Value;Key="a;b"`: keys in any case, blanks in them do not count.
private struct SemicolonPairs {
    private var pairs: [(key: String, value: String)] = []

    init(_ text: String) throws(PostgresOptionsError) {
        var rest = text[...]
        while true {
            rest = rest.drop { $0 == ";" || $0.isWhitespace }
            if rest.isEmpty { return }
            guard let equals = rest.firstIndex(of: "=") else {
                throw PostgresOptionsError(
                    "item \(pairs.count + 1) of the connection text has no '='")
            }
            let key = rest[..<equals].lowercased().filter { !$0.isWhitespace }
            rest = rest[rest.index(after: equals)...].drop { $0.isWhitespace }
            pairs.append((key, try Self.takeValue(from: &rest, item: pairs.count + 1)))
        }
    }

    /// Up to the next semicolon; in quotes, a doubled quote stands for one.
    private static func takeValue(
        from rest: inout Substring, item: Int
    ) throws(PostgresOptionsError) -> String {
        guard let quote = rest.first, quote == "\"" || quote == "'" else {
            let value = rest.prefix { $0 != ";" }
            rest = rest.dropFirst(value.count)
            return String(value.reversed().drop { $0.isWhitespace }.reversed())
        }
        rest.removeFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character != quote {
                value.append(character)
            } else if rest.first == quote {
                value.append(rest.removeFirst())
            } else {
                return value
            }
        }
        throw PostgresOptionsError("item \(item) of the connection text has no closing quote")
    }

    func libpqParameters() throws(PostgresOptionsError) -> [String: String] {
        if isSQLServer {
            throw PostgresOptionsError("the connection text is one for SQL Server, not PostgreSQL")
        }
        var parameters: [String: String] = [:]
        for (index, pair) in pairs.enumerated() {
            if Self.ignored.contains(pair.key) { continue }
            guard let keyword = Self.keywords[pair.key] else {
                throw PostgresOptionsError(
                    "item \(index + 1) of the connection text has a key that is not known")
            }
            // VerifyFull and verify-full are the same mode.
            let isMode = keyword == "sslmode"
            parameters[keyword] = isMode ? try Self.mode(pair.value, item: index + 1) : pair.value
        }
        return parameters
    }

    /// The drivers share some keys; these, or an instance or port inside the server's name, are the
    /// other one's alone.
    private var isSQLServer: Bool {
        pairs.contains { pair in
            switch pair.key {
            case "server":
                pair.value.contains(",") || pair.value.contains("\\")
                    || pair.value.lowercased().hasPrefix("tcp:")
                    || pairs.contains { $0.key == "trustservercertificate" }
            case "datasource", "initialcatalog", "integratedsecurity", "trustedconnection",
                "encrypt", "multipleactiveresultsets", "authentication":
                true
            default: false
            }
        }
    }

    private static func mode(
        _ text: String, item: Int
    ) throws(PostgresOptionsError) -> String {
        switch text.lowercased().filter({ $0 != "-" && $0 != " " }) {
        case "disable": "disable"
        case "allow": "allow"
        case "prefer": "prefer"
        case "require": "require"
        case "verifyca": "verify-ca"
        case "verifyfull": "verify-full"
        default:
            throw PostgresOptionsError("item \(item) of the connection text is no SSL mode")
        }
    }

    private static let keywords = [
        "host": "host", "server": "host", "port": "port", "database": "dbname", "db": "dbname",
        "username": "user", "userid": "user", "user": "user", "uid": "user",
        "password": "password", "pwd": "password", "psw": "password", "passfile": "passfile",
        "sslmode": "sslmode", "rootcertificate": "sslrootcert", "sslcertificate": "sslcert",
        "sslkey": "sslkey", "timeout": "connect_timeout", "applicationname": "application_name",
        "targetsessionattributes": "target_session_attrs", "options": "options",
    ]

    /// They set what a driver does inside; `require` checks no certificate in libpq either.
    private static let ignored: Set = [
        "pooling", "minimumpoolsize", "maximumpoolsize", "minpoolsize", "maxpoolsize",
        "commandtimeout", "includeerrordetail", "trustservercertificate", "keepalive",
        "persistsecurityinfo", "connectionidlelifetime", "connectionlifetime", "noresetonclose",
        "multiplexing", "enlist",
    ]
}
