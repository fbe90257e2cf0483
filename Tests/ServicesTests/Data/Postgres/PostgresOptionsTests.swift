import Loop
import TestSupport
import Testing

@testable import Services

@Suite("PostgresOptions") struct PostgresOptionsTests {
    @Test(arguments: [
        "postgres://me:s%3Bcret@db.example:5433/orders?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://me:s%3Bcret@db.example:5433/orders?sslmode=verify-full&sslrootcert=/ca.pem",
        "host=db.example port=5433 dbname=orders user=me password='s;cret' sslmode=verify-full "
            + "sslrootcert=/ca.pem",
        "Host=db.example;Port=5433;Database=orders;Username=me;Password='s;cret';"
            + "SSL Mode=VerifyFull;Root Certificate=/ca.pem",
        " server = db.example ; PORT=5433;DB=orders;User Id=me;pwd=\"s;cret\";sslmode=verify-full; "
            + "rootcertificate=/ca.pem;Pooling=true;Maximum Pool Size=20;",
    ])
    func `all forms name the same login`(text: String) throws {
        let options = try PostgresOptions(parsing: text)

        #expect(
            options.parameters == [
                "host": "db.example", "port": "5433", "dbname": "orders", "user": "me",
                "password": "s;cret", "sslmode": "verify-full", "sslrootcert": "/ca.pem",
                "client_encoding": "UTF8", "application_name": "contoso",
            ])
        #expect(options.name == "database 'orders' at db.example:5433")
        #expect(options.connectTimeout == .seconds(2))
    }

    @Test func `who verifies and names nobody trusts whom the system trusts`() throws {
        let options = try PostgresOptions(parsing: "postgres://db/orders?sslmode=verify-full")
        func trusted(
            _ options: PostgresOptions, _ variables: [String: String] = [:], files: Set<String> = []
        ) -> String? {
            options.trustingSystem(
                variable: { variables[$0] }, isReadable: { files.contains($0) }
            ).parameters["sslrootcert"]
        }

        #expect(trusted(options) == "/etc/ssl/certs/ca-certificates.crt")
        #expect(trusted(options, ["SSL_CERT_FILE": "/s.pem"]) == "/s.pem")
        // libpq's own places come first.
        #expect(trusted(options, ["PGSSLROOTCERT": "/p.pem"]) == nil)
        #expect(trusted(options, ["HOME": "/h"], files: ["/h/.postgresql/root.crt"]) == nil)
        #expect(trusted(options, ["HOME": "/h"]) != nil)
        let named = "postgres://db/orders?sslmode=verify-full&sslrootcert=/ca.pem"
        #expect(trusted(try PostgresOptions(parsing: named)) == "/ca.pem")
        #expect(trusted(try PostgresOptions(parsing: "postgres://db?sslmode=require")) == nil)
    }

    @Test(arguments: [
        "Server=localhost,1433;Database=c;User Id=sa;Password=secret;TrustServerCertificate=True",
        "Server=tcp:x.database.windows.net;Database=c;Password=secret",
        "Data Source=x;Initial Catalog=c;User ID=sa;Password=secret",
        "Server=x;Database=c;User Id=sa;Password=secret;TrustServerCertificate=True",
        "Server=.\\SQLEXPRESS;Database=c;Integrated Security=true;Password=secret",
    ])
    func `a SQL Server text is refused with what is supported`(text: String) {
        let error = #expect(throws: PostgresOptionsError.self) {
            try PostgresOptions(parsing: text)
        }

        #expect(error?.description.contains("SQL Server") == true)
        #expect(error?.description.contains("postgres://") == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test(arguments: [
        "mysql://me:secret@db/orders", "postgres://me:secret@[db/orders",
        "postgres://me:secret@db/orders?secret=1", "postgres://me:%zzsecret@db/orders",
        "host=db password=my secret", "Host=db;Password=a;secret", "Host=db;secret=a",
        "Host=db;Password='secret", "Host=db;SSL Mode=secret", "secret",
        "host=db connect_timeout=secret", "host=db connect_timeout=0", "Host=db;Timeout=601",
    ])
    func `what cannot be read is refused, and nothing of it is shown`(text: String) {
        let error = #expect(throws: PostgresOptionsError.self) {
            try PostgresOptions(parsing: text)
        }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `doubled quotes stand for one, and blanks around a value do not count`() throws {
        let options = try PostgresOptions(parsing: "Host= db ;Password=\" a\"\"b'c \" ;User='d''e'")

        #expect(options.parameters["host"] == "db")
        #expect(options.parameters["password"] == " a\"b'c ")
        #expect(options.parameters["user"] == "d'e")
    }

    @Test func `the connect time-out is taken out of the text`() throws {
        let options = try PostgresOptions(parsing: "postgres://db/orders?connect_timeout=7")

        #expect(options.connectTimeout == .seconds(7))
        #expect(options.parameters["connect_timeout"] == nil)
        #expect(try PostgresOptions(parsing: "Host=db;Timeout=600").connectTimeout == .seconds(600))
    }

    @Test func `without a database the user's name is it`() throws {
        #expect(try PostgresOptions(parsing: "postgres://me@db").database == "me")
        #expect(try PostgresOptions(parsing: "Host=db").database == "postgres")
    }
}

@Suite("PostgresError") struct PostgresErrorTests {
    @Test(arguments: [
        ("40001", PostgresError.Kind.conflict), ("40P01", .conflict), ("23505", .duplicate),
        ("25006", .readOnly), ("57P01", .connectionLost), ("57P03", .connectionLost),
        ("08006", .connectionLost), ("53300", .unavailable), ("53100", .unavailable),
        ("57014", .unavailable), ("55P03", .unavailable), ("3D000", .unknownDatabase),
        ("28P01", .authentication), ("42P01", .failed), ("23514", .failed), ("", .failed),
    ])
    func `a SQLSTATE is sorted by what can be done about it`(
        state: String, kind: PostgresError.Kind
    ) {
        #expect(PostgresError.kind(of: state) == kind)
    }

    @Test func `a refused login has its SQLSTATE in libpq's verbose text`() {
        let head = "connection to server at \"10.0.0.1\", port 5432 failed: "
        let refused = PostgresLogin.refusal(
            head + "FATAL:  28P01: password authentication failed for user \"me\"\n"
                + "LOCATION:  auth_failed, auth.c:347\n", "database 'x'")
        let silent = PostgresLogin.refusal(
            head + "Connection refused\n\tIs the server running on that host?\n", "database 'x'")

        #expect(refused.kind == .authentication)
        #expect(
            refused.reason == "database 'x': password authentication failed for user \"me\" "
                + "(SQLSTATE 28P01)")
        #expect(silent.kind == .unavailable)
        #expect(silent.reason.hasSuffix("Connection refused; Is the server running on that host?"))
    }
}

@Suite("PostgresValue", .enabled(if: TestPostgres.isAvailable)) struct PostgresValueTests {
    @Test func `values come back as they went in`() throws {
        let session = try TestPostgres.connect(TestPostgres.server())

        let row = try session.run(
            "SELECT $1, $2, $3, $4, $5",
            .integer(.min), .text("a'\\\"{}\u{1F600}"), .bytes([0, 1, 255]),
            .time(WallTime(microseconds: -1)), .text("no \0 here"))[0]

        #expect(row.integer(0) == .min)
        #expect(row.text(1) == "a'\\\"{}\u{1F600}")
        #expect(row.bytes(2) == [0, 1, 255])
        #expect(row.time(3) == WallTime(microseconds: -1))
        #expect(row.isNull(4) && row.textOrNil(4) == nil)
    }

    @Test func `arrays come back element by element, empty ones as no rows`() throws {
        let session = try TestPostgres.connect(TestPostgres.server())
        let times = [WallTime(microseconds: 0), WallTime(microseconds: 1_767_603_600_000_001)]

        let rows = try session.run(
            "SELECT * FROM unnest($1, $2, $3, $4)",
            .integers([7, -7]), .texts(["{,}", nil]), .byteArrays([[], [0]]), .times(times))
        let none = try session.run("SELECT * FROM unnest($1)", .texts([]))

        #expect(rows.map { $0.integer(0) } == [7, -7])
        #expect(rows.map { $0.textOrNil(1) } == ["{,}", nil])
        #expect(rows.map { $0.bytes(2) } == [[], [0]])
        #expect(rows.map { $0.time(3) } == times)
        #expect(none.count == 0)
    }

    @Test func `a failed statement ends those behind it and leaves the session usable`() throws {
        let session = try TestPostgres.connect(TestPostgres.server())

        let error = #expect(throws: PostgresError.self) {
            try session.run([
                PostgresStatement("SELECT 1::bigint"),
                PostgresStatement("SELECT 1 / $1", .integer(0)),
                PostgresStatement("SELECT pg_advisory_lock(1)"),
            ])
        }

        #expect(error?.reason.contains("SQLSTATE 22012") == true)
        #expect(!session.isBroken)
        #expect(try session.run("SELECT 1::bigint")[0].integer(0) == 1)
        #expect(try session.run("SELECT 1 / $1", .integer(1))[0].integer(0) == 1)
    }

    @Test func `more than the socket can hold goes both ways`() throws {
        let session = try TestPostgres.connect(TestPostgres.server())
        let text = String(repeating: "x", count: 1 << 20)

        let results = try session.run(
            (0..<16).map { _ in PostgresStatement("SELECT $1", .text(text)) })

        #expect(results.allSatisfy { $0[0].text(0) == text })
    }

    @Test func `an answer that comes too late breaks the session`() throws {
        let session = try TestPostgres.connect(TestPostgres.server())
        session.deadline = SystemTime().monotonicNow + .milliseconds(50)

        let error = #expect(throws: PostgresError.self) { try session.run("SELECT pg_sleep(60)") }

        #expect(error?.kind == .deadlineExceeded)
        #expect(session.isBroken && !session.isQuiet)
    }
}
