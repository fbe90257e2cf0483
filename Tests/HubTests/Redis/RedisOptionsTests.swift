import Loop
import Testing

@testable import Hub

@Suite("RedisOptions") struct RedisOptionsTests {
    @Test func `the string of the .NET services is understood`() throws {
        let options = try RedisOptions(
            "cache:6380, cache2:6381,password=a=b=,user=u,ssl=True,abortConnect=False,"
                + "defaultDatabase=3,connectTimeout=1500,syncTimeout=700,name=pod,channelPrefix=p")

        #expect(
            options.servers == [
                .init(host: "cache", port: 6380), .init(host: "cache2", port: 6381),
            ])
        #expect(options.password == "a=b=" && options.user == "u")
        #expect(options.tls == RedisOptions.TLS())
        #expect(options.database == 3)
        #expect(options.connectTimeout == .milliseconds(1500))
        #expect(options.commandTimeout == .milliseconds(700))
        #expect(options.clientName == "pod" && options.channelPrefix == "p")
        #expect(options.sentinelMaster == nil)
    }

    @Test(
        arguments: [
            ("h", 6379), ("h,ssl=true", 6380), ("h,serviceName=m", 26379), ("h:1", 1),
            ("[::1]", 6379), ("[::1]:65535", 65535), ("localhost:6379,", 6379),
        ] as [(String, UInt16)])
    func `a port that is not given follows from the options`(text: String, port: UInt16) throws {
        #expect(try RedisOptions(text).servers.first?.port == port)
    }

    @Test func `IPv6 addresses come without their brackets`() throws {
        #expect(try RedisOptions("[::1]:7").servers == [.init(host: "::1", port: 7)])
        #expect(
            try RedisOptions("redis://[fe80::2]").servers == [.init(host: "fe80::2", port: 6379)])
        #expect(try RedisOptions("[::1]:7").text == "[::1]:7")
    }

    @Test(arguments: RedisOptions.ignoredOptions.sorted())
    func `an option we have no use for does no harm`(name: String) throws {
        #expect(try RedisOptions("h,\(name.uppercased())=1") == RedisOptions("h"))
    }

    @Test func `a URL is understood`() throws {
        let options = try RedisOptions("redis://us%20er:p%40s%3As@host:7/12")

        #expect(options.servers == [.init(host: "host", port: 7)])
        #expect(options.user == "us er" && options.password == "p@s:s")
        #expect(options.database == 12 && options.tls == nil)
        #expect(try RedisOptions("redis://:secret@host").user == nil)
        #expect(try RedisOptions("redis://:secret@host").password == "secret")
        #expect(try RedisOptions("REDISS://host/").tls == RedisOptions.TLS())
        #expect(try RedisOptions("redis://u:p@ss@host").password == "p@ss")
    }

    @Test func `TLS files come as parameters`() throws {
        let options = try RedisOptions(
            "rediss://host?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k%2Fk.pem"
                + "&ssl_cert_reqs=none")
        var expected = RedisOptions.TLS()
        expected.authorityFile = "/ca.pem"
        expected.certificateFile = "/c.pem"
        expected.keyFile = "/k/k.pem"
        expected.verification = .none
        #expect(options.tls == expected)
    }

    @Test func `sentinels are named together with their master`() throws {
        let options = try RedisOptions("redis+sentinel://:pw@a,b:7/mymaster/2")

        #expect(
            options.servers == [.init(host: "a", port: 26379), .init(host: "b", port: 7)])
        #expect(options.sentinelMaster == "mymaster" && options.database == 2)
        #expect(options.password == "pw")
        #expect(options.text == "mymaster by sentinels a:26379,b:7")
        #expect(try RedisOptions("rediss+sentinel://a/m").tls != nil)
        #expect(try RedisOptions("a,b,serviceName=m").sentinelMaster == "m")
    }

    @Test(
        arguments: [
            ("", "no host"),
            ("password=secret", "no host"),
            ("h,pasword=secret", "unknown option 'pasword'"),
            ("h,password=one,secret", "comma"),
            ("h,password=one,secret=x", "comma"),
            ("h,user=u", "add password"),
            ("h:0", "port of 'h'"), ("h:65536", "port of 'h'"), ("h:secret", "port of 'h'"),
            ("::1", "[address]:port"),
            ("h,ssl=perhaps", "neither True nor False"),
            ("h,defaultDatabase=-1", "is not a number"),
            ("h,connectTimeout=0", "is not a number"),
            ("h,sslHost=other", "not supported"),
            ("h,$SET=secret", "unknown option '$set'"),
            ("http://h", "unknown scheme 'http'"),
            ("redis://", "no host"), ("redis://user@h", "without a password"),
            ("redis://u:se%cret@h", "%25"), ("redis://u:secret/x@h", "%2F"),
            ("redis://u:secret?x@h", "%2F"),
            ("redis://h:secret", "port of 'h'"), ("redis://h/x", "no database number"),
            ("redis://h/-1", "no database number"),
            ("redis://h?ssl_ca_certs=/x", "rediss://"),
            ("rediss://h?timeout=1", "unknown parameter 'timeout'"),
            ("rediss://h?ssl_ca_certs=", "has no value"),
            ("redis+sentinel://h", "master"),
        ])
    func `what is wrong is said, and no secret with it`(text: String, part: String) {
        let error = #expect(throws: RedisOptionsError.self) { try RedisOptions(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("secret") == false)
    }
}
