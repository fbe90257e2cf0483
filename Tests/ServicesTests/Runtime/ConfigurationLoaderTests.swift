import Hub
import Loop
import Testing
import WS

@testable import Services

/// Loads with a fake environment and fake files; production unless `--dev` is among the flags.
private func load(
    _ flags: [String] = [], environment: [String: String] = [:], files: [String: String] = [:],
    directories: [String] = [], for purpose: ConfigurationPurpose = .serve
) -> Result<LoadedConfiguration, ConfigurationError> {
    let sources = ConfigurationSources(
        flags: CommandLineFlags(flags, ownFlags: ["--config"]), environment: environment,
        readFile: { path in
            files[path].map(Result.success) ?? .failure(.init(reason: "No such file or directory"))
        },
        directoryExists: directories.contains)
    do throws(ConfigurationError) {
        return .success(try ConfigurationLoader.load(sources, for: purpose))
    } catch {
        return .failure(error)
    }
}

private func problems(_ result: Result<LoadedConfiguration, ConfigurationError>) -> [String] {
    guard case .failure(let error) = result else { return [] }
    return error.problems.map(\.description)
}

private let goodKey = String(repeating: "k", count: 32)
private let production = [
    "CONTOSO_JWT__SIGNING_KEY": goodKey, "CONTOSO_JWT__ISSUER": "https://issuer.example",
    "CONTOSO_JWT__AUDIENCE": "shop",
]

@Suite("ConfigurationLoader") struct ConfigurationLoaderTests {
    @Test func `every setting has a default that its own row accepts, or is optional`() {
        for isDevelopment in [false, true] {
            for setting in Settings.all {
                guard let text = setting.defaultText(isDevelopment: isDevelopment) else { continue }
                var values = Configuration()
                #expect(throws: Never.self) { try setting.assign(text, &values) }
            }
        }
    }

    @Test func `no two settings share a name, a flag or a variable`() {
        #expect(Set(Settings.all.map(\.name)).count == Settings.all.count)
        #expect(Set(Settings.all.compactMap(\.flag)).count == Settings.all.compactMap(\.flag).count)
        #expect(Set(Settings.all.map(\.variable)).count == Settings.all.count)
    }

    @Test func `a flag beats the environment, which beats the file, which beats the default`()
        throws
    {
        let file = ["c.json": #"{"threads": 4}"#]
        let byFile = try load(["--dev", "--config", "c.json"], files: file).get()
        let byVariable = try load(
            ["--dev", "--config", "c.json"], environment: ["CONTOSO_THREADS": "3"], files: file
        ).get()
        let byFlag = try load(
            ["--dev", "--config", "c.json", "--threads", "2"],
            environment: ["CONTOSO_THREADS": "3"], files: file
        ).get()

        #expect(try load(["--dev"]).get().values.threadCount == 0)
        #expect(byFile.values.threadCount == 4)
        #expect(byVariable.values.threadCount == 3)
        #expect(byFlag.values.threadCount == 2)
        #expect(byFlag.texts["threads"]?.origin == "--threads")
    }

    @Test func `every problem is reported at once, each with its place and its cure`() {
        let result = load(
            ["--threads", "many", "--http", "nowhere", "--dve"],
            environment: ["CONTOSO_LOG__LEVLE": "info", "WorkflowState__Ttl": "soon"])

        #expect(
            problems(result) == [
                "--dve: no such flag; did you mean --dev?",
                "CONTOSO_LOG__LEVLE: no such setting; did you mean CONTOSO_LOG__LEVEL?",
                "--http: \"nowhere\" cannot be used; write HOST:PORT such as localhost:8080, or none",
                "--threads: \"many\" cannot be used; write a whole number from 0 to 64",
                "WorkflowState__Ttl: \"soon\" cannot be used; "
                    + "write a duration such as 250ms, 30s, 5m, 2h or 00:30:00",
            ])
    }

    @Test func `an unknown flag is a usage error, a bad value a configuration error`() {
        guard case .failure(let usage) = load(["--dev", "--colour"]),
            case .failure(let value) = load(["--dev", "--threads", "-1"])
        else {
            Issue.record("both must fail")
            return
        }

        #expect(usage.exitCode == .usage)
        #expect(value.exitCode == .configuration)
    }

    @Test func `variables that are not ours are ignored`() throws {
        let environment = [
            "PATH": "/bin", "CONTOSOX": "1", "CONTOSO_IT_SQL_BASE": "x",
            "CONTOSO_TEST_REDIS": "x",
        ]
        #expect(throws: Never.self) { try load(["--dev"], environment: environment).get() }
    }

    @Test(arguments: [
        ("ASPNETCORE_ENVIRONMENT", "Development"), ("DOTNET_ENVIRONMENT", "development"),
    ])
    func `the .NET environment name switches development on`(name: String, value: String) throws {
        #expect(try load(environment: [name: value]).get().values.isDevelopment)
    }

    @Test func `the variables of the .NET system mean what they meant there`() throws {
        let values = try load(environment: [
            "ASPNETCORE_ENVIRONMENT": "Production", "ASPNETCORE_URLS": "http://+:5006",
            "DevJwt__SigningKey": goodKey, "DevJwt__Issuer": "i", "JWT__AUDIENCE": "a",
            "DevJwt__ExpiresMinutes": "15", "WorkflowState__Ttl": "00:45:00",
            "SignalR__ChannelPrefix": "p", "RabbitMQ__MaxProcessingAttempts": "7",
            "Serilog__MinimumLevel__Default": "Warning",
        ]).get().values

        #expect(values.http == ListenAddress(host: "0.0.0.0", port: 5006))
        #expect(values.https == nil)
        #expect(values.signingKey == goodKey)
        #expect(values.tokenIssuer == "i")
        #expect(values.tokenAudience == "a")
        #expect(values.devTokenLifetime == .seconds(900))
        #expect(values.workflowTTL == .seconds(2700))
        #expect(values.channelPrefix == "p")
        #expect(values.processingRetryCountMax == 7)
        #expect(values.logLevel == .warning)
    }

    @Test(arguments: ["ConnectionStrings__Redis", "RabbitMQ__ConnectionString", "CONTOSO_DATABASE"])
    func `an engine of another kind is refused without showing its password`(name: String) {
        let result = load(["--dev"], environment: [name: "ftp://user:hunter2@host/"])

        #expect(problems(result).count == 1)
        #expect(problems(result).first?.contains("cannot be used") == true)
        #expect(problems(result).first?.contains("hunter2") == false)
    }

    @Test func `a secret comes from the file its variable names, without the last newline`() throws
    {
        var environment = production
        environment["CONTOSO_JWT__SIGNING_KEY"] = nil
        environment["CONTOSO_JWT__SIGNING_KEY_FILE"] = "/run/key"

        let loaded = try load(environment: environment, files: ["/run/key": goodKey + "\n"]).get()

        #expect(loaded.values.signingKey == goodKey)
        #expect(loaded.texts["jwt.signing-key"]?.origin == "CONTOSO_JWT__SIGNING_KEY_FILE")
        #expect(
            problems(load(environment: environment)).contains {
                $0.contains("/run/key cannot be read: No such file or directory")
            })
    }

    @Test func `a secret is never shown`() throws {
        let text = ConfigurationText.show(
            try load(environment: production).get(), withOrigin: true)

        #expect(!text.contains(goodKey))
        #expect(text.contains("jwt.signing-key"))
    }

    @Test func `an empty variable counts as unset`() throws {
        #expect(
            try load(["--dev"], environment: ["CONTOSO_THREADS": ""]).get().values.threadCount == 0)
    }
}

@Suite("ConfigurationCheck") struct ConfigurationCheckTests {
    @Test func `production demands a key, an issuer and an audience`() {
        let found = problems(load())

        #expect(found.count == 3)
        #expect(found[0].hasPrefix("CONTOSO_JWT__SIGNING_KEY: the signing key is not set"))
        #expect(found[1].hasPrefix("--jwt-issuer: is not set"))
        #expect(found[2].hasPrefix("--jwt-audience: is not set"))
        #expect(throws: Never.self) { try load(environment: production).get() }
    }

    @Test(arguments: [(31, false), (32, true), (33, true)])
    func `the key's length limit is 32 bytes`(byteCount: Int, isGood: Bool) {
        var environment = production
        environment["CONTOSO_JWT__SIGNING_KEY"] = String(repeating: "k", count: byteCount)

        #expect(problems(load(environment: environment)).isEmpty == isGood)
    }

    @Test func `the documented key is good with --dev only`() throws {
        var environment = production
        environment["CONTOSO_JWT__SIGNING_KEY"] = SigningKey.documented

        #expect(problems(load(environment: environment)).count == 1)
        #expect(try load(["--dev"]).get().values.signingKey == SigningKey.documented)
    }

    @Test func `a process that only works on the queue needs no key`() {
        #expect(problems(load(["--roles", "process"])).isEmpty)
    }

    @Test func `HTTPS needs a certificate, and is off without one unless it was asked for`() throws
    {
        #expect(try load(["--dev"]).get().values.https == nil)
        #expect(problems(load(["--dev", "--https", "localhost:1"])).count == 1)
        #expect(problems(load(["--dev", "--cert", "c.pem"])).count == 1)
        let both = try load(["--dev", "--cert", "c.pem", "--key", "k.pem"]).get()
        #expect(both.values.https == ListenAddress(host: "localhost", port: 8443))
    }

    @Test(
        arguments: [
            ["--proxy-protocol", "http"], ["--identity-header", "X-Auth-User"],
            ["--identity-header", "X-Auth-User", "--ingress-trusted", "none"],
            [
                "--identity-header", "X-Auth-User", "--ingress-trusted", "loopback",
                "--ingress-headers", "x-forwarded-proto",
            ],
        ])
    func `who is believed must be named`(flags: [String]) {
        #expect(problems(load(["--dev"] + flags)).count == 1)
    }

    @Test(
        arguments: [
            ["--ingress-trusted", "10.0.0.1/8"], ["--ingress-trusted", "gateway"],
            ["--ingress-trusted", ""], ["--ingress-headers", "x-real-ip"],
            ["--ingress-headers", "none"], ["--ingress-headers", "forwarded,x-forwarded-for"],
            ["--proxy-protocol", "metrics"], ["--proxy-protocol", ""], ["--base-path", "shop"],
            ["--base-path", "/a//b"], ["--base-path", "/a/../b"], ["--base-path", "/a b"],
            ["--base-path", "//evil.example"], ["--base-path", "/API"],
            ["--base-path", "/hubs/shop"], ["--identity-header", "X Auth"],
            ["--ingress-proxy-header-timeout", "0s"],
        ])
    func `a malformed setting of the ingress is refused`(flags: [String]) {
        #expect(problems(load(["--dev"] + flags)).count == 1)
    }

    @Test func `the ingress is what its settings say`() throws {
        let none = try load(["--dev"]).get().values
        #expect(none.ingress.proxies == .none)
        #expect(none.ingress.headers == [.forwardedFor, .forwardedProto])
        #expect(none.ingress.basePath.isEmpty)
        #expect(none.proxiedListeners.isEmpty)

        let some = try load([
            "--dev", "--ingress-trusted", "loopback,10.0.0.0/8", "--ingress-headers", "Forwarded",
            "--proxy-protocol", "https", "--base-path", "/a/shop/", "--identity-header", "X-User",
        ]).get().values
        #expect(some.ingress.proxies == TrustedNetworks("loopback,10.0.0.0/8"))
        #expect(some.ingress.headers == [.forwarded])
        #expect(some.ingress.basePath == "/a/shop")
        #expect(some.proxiedListeners == ["https"])
        #expect(some.identityHeader == "X-User")
    }

    @Test(arguments: [
        (["--cert", "a.pem,b.pem", "--key", "a.key"], "one for each"),
        (["--key", "a.key"], "--cert"),
        (["--tls-client-auth", "required"], "--tls-client-ca"),
        (["--tls-client-auth", "perhaps"], "optional"),
        (["--tls-client-ca", "ca.pem"], "--tls-client-auth"),
        (["--tls-ticket-lifetime", "8d"], "duration"),
    ])
    func `settings of TLS that do not fit together are refused, with a remedy`(
        flags: [String], word: String
    ) {
        let found = problems(load(["--dev"] + flags))
        #expect(found.count == 1 && found[0].contains(word), "\(found)")
    }

    @Test func `tickets are sealed with the secret pods share, or with files, else at random`()
        throws
    {
        func source(
            _ flags: [String] = [], _ environment: [String: String] = [:]
        ) throws -> TLSSettings.TicketSource {
            let values = try load(
                ["--dev", "--cert", "a,b", "--key", "c,d"] + flags, environment: environment
            ).get().values
            let settings = values.tls.settings(hubTokenSecret: values.hubTokenSecret)
            #expect(settings.certificates.map(\.key) == ["c", "d"])
            return settings.ticketSource
        }
        let hub = ["CONTOSO_HUB__TOKEN_SECRET": goodKey]
        let own = ["CONTOSO_TLS__TICKET_SECRET": goodKey + "!"]
        #expect(try source() == .random)
        #expect(try source([], hub) == .secret(Array(goodKey.utf8)))
        #expect(
            try source([], hub.merging(own) { $1 }) == .secret(Array((goodKey + "!").utf8)))
        #expect(try source(["--tls-ticket-keys", "x,y"], hub) == .files(["x", "y"]))
        #expect(
            problems(
                load(["--dev"], environment: ["CONTOSO_TLS__TICKET_SECRET": "short"])
            ).count == 1)
    }

    @Test func `any page may open a WebSocket unless origins are named`() throws {
        #expect(try load(["--dev"]).get().values.hub.allowedOrigins == nil)
        let some = try load(["--dev", "--hub-origins", "https://Shop.example,http://b:1"]).get()
        #expect(some.values.hub.allowedOrigins == ["https://shop.example", "http://b:1"])
        #expect(problems(load(["--dev", "--hub-origins", "shop.example"])).count == 1)
    }

    @Test func `a server without a listener is refused`() {
        #expect(problems(load(["--dev", "--http", "none"])).count == 1)
    }

    @Test func `development that others can reach is worth a warning`() throws {
        #expect(try load(["--dev"]).get().warnings.isEmpty)
        #expect(try load(["--dev", "--http", "0.0.0.0:80"]).get().warnings.count == 1)
    }

    @Test func `the default shop directory counts only where it exists`() throws {
        #expect(try load(["--dev"]).get().values.webDirectory == nil)
        #expect(try load(["--dev"], directories: ["web"]).get().values.webDirectory == "web")
        let asked = try load(["--dev", "--web", "dist"], directories: ["dist"]).get()
        #expect(asked.values.webDirectory == "dist")
        #expect(problems(load(["--dev", "--web", "dist"])).count == 1)
    }
}

@Suite("CommandLineFlags") struct CommandLineFlagsTests {
    @Test func `a value follows after = or as the next word`() {
        let flags = CommandLineFlags(["--threads=2", "--data", "d", "--web="])

        #expect(flags.settings["threads"]?.value == "2")
        #expect(flags.settings["data"]?.value == "d")
        #expect(flags.settings["web"]?.value == "")
        #expect(flags.problems.isEmpty)
    }

    @Test func `a switch takes no word, and --no- turns it off`() {
        let flags = CommandLineFlags(["--dev", "word"])

        #expect(flags.settings["dev"]?.value == "true")
        #expect(flags.operands == ["word"])
        #expect(CommandLineFlags(["--no-dev"]).settings["dev"]?.value == "false")
        #expect(CommandLineFlags(["--no-threads"]).problems.count == 1)
    }

    @Test func `a flag at the end or before another flag lacks its value`() {
        #expect(CommandLineFlags(["--threads"]).problems.count == 1)
        #expect(CommandLineFlags(["--threads", "--dev"]).problems.count == 1)
    }

    @Test(arguments: ["--signing-key", "--jwt-signing-key"])
    func `a secret is no flag, and the error names its variable`(flag: String) {
        let problems = CommandLineFlags([flag, "hunter2"]).problems

        #expect(problems.count == 1)
        #expect(problems.first?.text.contains("CONTOSO_JWT__SIGNING_KEY") == true)
        #expect(problems.first?.description.contains("hunter2") == false)
    }
}

@Suite("ConfigurationFile") struct ConfigurationFileTests {
    @Test func `comments end at their line and do not begin inside a text`() {
        let file = ConfigurationFile(
            """
            { // first
              "jwt": {"issuer": "https://a.example"}, // second
              "roles": ["accept", "process"]
            }
            """, path: "f")

        #expect(file.problems.isEmpty)
        #expect(file.values.map(\.name) == ["jwt.issuer", "roles"])
        #expect(file.values.map(\.text) == ["https://a.example", "accept,process"])
    }

    @Test func `an appsettings.json of the .NET system reads as well`() {
        let file = ConfigurationFile(
            #"{"WorkflowState": {"Ttl": "00:30:00"}, "Jwt": {"SigningKey": "x"}}"#, path: "f")

        #expect(file.values.map(\.name) == ["workflow.ttl", "jwt.signing-key"])
    }

    @Test func `an unknown member names the nearest setting`() {
        let file = ConfigurationFile(#"{"limits": {"bdy": "1MiB"}}"#, path: "f")

        #expect(
            file.problems.map(\.description)
                == ["f: limits.bdy: no such setting; did you mean limits.body?"])
    }

    @Test(arguments: ["", "[]", "{", #"{"threads": 1,}"#])
    func `what is no JSON object is one problem`(text: String) {
        #expect(ConfigurationFile(text, path: "f").problems.count == 1)
    }
}

@Suite("NearestName") struct NearestNameTests {
    @Test func `one slip is recognised, a different word is not`() {
        #expect(NearestName.of("--thread", among: ["--threads", "--web"]) == "--threads")
        #expect(NearestName.of("--htpt", among: ["--http", "--https"]) == "--http")
        #expect(NearestName.of("--colour", among: ["--http", "--web"]) == nil)
    }

    @Test func `a swap of neighbours is one slip`() {
        #expect(NearestName.distance(Array("ab".utf8), Array("ba".utf8)) == 1)
        #expect(NearestName.distance(Array("".utf8), Array("abc".utf8)) == 3)
    }
}
