import Loop
import Testing

@testable import Services

@Suite("AMQPOptions") struct AMQPOptionsTests {
    @Test func `everything in a URL is read`() throws {
        let options = try AMQPOptions(
            url: "amqps://us%65r:p%40%3A%2F%3Fw@one:1,[::1]:2,three/v%2Fh?heartbeat=7"
                + "&cacertfile=%2Fca.pem&certfile=c&keyfile=k&verify=verify_none")
        #expect(options.user == "user" && options.password == "p@:/?w")
        #expect(options.hosts.map(\.text) == ["one:1", "[::1]:2", "three:5671"])
        #expect(options.virtualHost == "v/h")
        #expect(options.heartbeat == .seconds(7))
        let tls = try #require(options.tls)
        #expect(tls.authorityFile == "/ca.pem" && tls.certificateFile == "c" && tls.keyFile == "k")
        #expect(tls.verification == .none)
    }

    @Test(arguments: ["amqp://h", "AMQP://h", "amqp://h/", "amqp://h:5672", "amqp://h?"])
    func `what is left out has the defaults of the protocol`(url: String) throws {
        let options = try AMQPOptions(url: url)
        #expect(options.user == "guest" && options.password == "guest")
        #expect(options.hosts.map(\.text) == ["h:5672"])
        #expect(options.virtualHost == "/")
        #expect(options.heartbeat == .seconds(5))
        #expect(options.tls == nil)
    }

    @Test func `the virtual host may be / in three spellings, or any other name`() throws {
        for (url, name) in [
            ("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h/%2f", "/"),
            ("amqp://h/orders", "orders"),
            ("amqp://h//orders", "/orders"),
        ] { #expect(try AMQPOptions(url: url).virtualHost == name) }
    }

    @Test func `amqps verifies by default`() throws {
        #expect(try AMQPOptions(url: "amqps://h").tls?.verification == .full)
    }

    @Test func `a user without a password has an empty one`() throws {
        let options = try AMQPOptions(url: "amqp://u@h")
        #expect(options.user == "u" && options.password.isEmpty)
    }

    @Test(arguments: [
        ("", "amqp://"), ("h:5672", "amqp://"), ("http://h", "amqp://"),
        ("amqp://", "host"), ("amqp://SECRET:SECRET@", "host"), ("amqp://h,,k", "host"),
        ("amqp://u:SECRET@h:0", "port"), ("amqp://h:65536", "port"), ("amqp://h:x", "port"),
        ("amqp://u:SECRET/SECRET@h", "percent-encoded"), ("amqp://u:a?SECRET@h", "percent-encoded"),
        ("amqp://u:12/SECRET@h", "percent-encoded"), ("amqp://u:a#SECRET@h/", "percent-encoded"),
        ("amqp://u:SECRET%zz@h", "password"), ("amqp://u:SECRET%4@h", "password"),
        ("amqp://u:%FF@h", "password"), ("amqp://h/%00", "virtual host"),
        ("amqp://[::1", "]"), ("amqp://h?heartbeat=0", "heartbeat"),
        ("amqp://h?heartbeat=61", "heartbeat"), ("amqp://h?verify=maybe", "verify"),
        ("amqp://h?SECRET=1", "unknown parameter"),
        ("amqp://u:\(String(repeating: "p", count: 256))@h", "255"),
    ])
    func `a bad URL is refused in words that name the place and nothing secret`(
        url: String, place: String
    ) {
        do {
            let options = try AMQPOptions(url: url)
            Issue.record("read as \(options.hosts.map(\.text))")
        } catch {
            #expect(error.description.contains(place))
            #expect(!error.description.contains("SECRET"))
        }
    }

    @Test func `255 bytes are not too long`() throws {
        let password = String(repeating: "p", count: 255)
        #expect(try AMQPOptions(url: "amqp://u:\(password)@h").password == password)
    }
}
