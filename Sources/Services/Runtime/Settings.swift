// Settings: the one table of everything that can be configured.
//
// Parsing, --help, `contoso config show|docs` and the "did you mean" of errors all read it. A new
// setting is one row here and one field in Configuration.
//
// Thread: constants.  Source: the variable names of the .NET system are those of its
// appsettings.json files, with __ for the section separator.

import Loop
import WS

enum Settings {
    static let all =
        general + tls + engines + identity + ingress + web + hub + output + http + limits
        + admission
        + drain

    static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

    private static let general: [Setting] = [
        .toggle(
            "dev", \.isDevelopment, default: false,
            aliases: [
                Setting.Alias("ASPNETCORE_ENVIRONMENT", translate: isDevelopmentName),
                Setting.Alias("DOTNET_ENVIRONMENT", translate: isDevelopmentName),
            ], "Development: issue tokens at POST /dev/token, accept the documented signing key"),
        Setting(
            "roles", "LIST", default: "accept,process,notification",
            "Parts this process plays: accept, process, notification"
        ) { text, configuration throws(SettingValueError) in
            let names = SettingValue.list(text)
            let roles = names.compactMap(ServiceRole.init(rawValue:))
            guard !roles.isEmpty, roles.count == names.count else {
                throw SettingValueError("write one or more of accept,process,notification")
            }
            configuration.roles = Set(roles)
        },
        .text("data", "DIR", \.dataDirectory, default: "data", "Directory of the embedded engines"),
        .address(
            "http", \.http, default: "0.0.0.0:8080", dev: "localhost:8080",
            aliases: [Setting.Alias("ASPNETCORE_URLS") { address(in: $0, scheme: "http") }],
            "Address of the listener without TLS"),
        .address(
            "https", \.https, default: "0.0.0.0:8443", dev: "localhost:8443",
            aliases: [Setting.Alias("ASPNETCORE_URLS") { address(in: $0, scheme: "https") }],
            "Address of the listener with TLS; needs --cert and --key"),
        .address(
            "metrics.listen", \.metrics, default: "none",
            "Address that serves /metrics, without TLS and to anyone who reaches it"),
        .integer("threads", \.threadCount, in: 0...64, default: "0", "Loops; 0: one per core"),
        .optionalText(
            "web", "DIR", \.webDirectory, default: "web",
            "Static shop; the default counts only where it exists"),
        Setting(
            "log.level", "LEVEL", default: "info",
            aliases: [Setting.Alias("Serilog__MinimumLevel__Default", translate: logLevelName)],
            "debug, info, warning or error"
        ) { text, configuration throws(SettingValueError) in
            guard let level = LogLevel.allCases.first(where: { $0.name == text }) else {
                throw SettingValueError("write debug, info, warning or error")
            }
            configuration.logLevel = level
        },
    ]

    private static let engines: [Setting] = [
        Setting(
            "database", "URL", default: "embedded", secrecy: .connection,
            aliases: [
                Setting.Alias("ConnectionStrings__Contoso"),
                Setting.Alias("CONTOSO_CONNECTIONSTRING"),
            ], "embedded (DATA/contoso.db), sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
        ) { text, configuration throws(SettingValueError) in
            configuration.database = try DatabaseChoice(parsing: text)
        },
        .integer(
            "database.connections", \.databaseConnectionCountMax, in: 1...1000, default: "8",
            "PostgreSQL connections of this process"),
        .duration(
            "database.timeout", \.databaseTimeout, in: .milliseconds(100)...(.seconds(60)),
            default: "2s", "Deadline of one call to PostgreSQL; a late POST is answered 503"),
        .toggle(
            "database.migrate", \.migratesDatabase, default: true,
            "Bring the schema up to date at start; false: refuse an old one"),
        Setting(
            "broker", "URL", default: "embedded", secrecy: .connection,
            aliases: [
                Setting.Alias("RabbitMQ__ConnectionString"),
                Setting.Alias("AzureServiceBus__ConnectionString") { $0.isEmpty ? nil : $0 },
            ], "embedded or amqp[s]://USER:PASSWORD@HOST/VHOST"
        ) { text, configuration throws(SettingValueError) in
            configuration.broker = try BrokerChoice(parsing: text)
        },
        .toggle(
            "broker.quorum", \.usesQuorumQueues, default: false,
            "Declare quorum queues; queues of the .NET system are classic and clash"),
        .integer(
            "broker.prefetch", \.prefetchCount, in: 1...65_535, default: "256",
            "Messages a consumer may hold unacknowledged"),
        Setting(
            "state", "URL", default: "embedded", secrecy: .connection,
            aliases: [Setting.Alias("ConnectionStrings__Redis")],
            "embedded or redis[s]://USER:PASSWORD@HOST/DB; also the backplane between hubs"
        ) { text, configuration throws(SettingValueError) in
            configuration.state = try StateChoice(parsing: text)
        },
        .duration(
            "startup.wait", \.startupWait, in: .zero...(.seconds(3600)), default: "30s",
            "How long the start waits for database, broker and state; then exit code 69"),
        .duration(
            "readiness.grace", \.readinessGrace, in: .zero...(.seconds(3600)), default: "10s",
            "Outage of a dependency after which /health/ready says 503"),
        .text(
            "queue.accepted", "NAME", \.acceptedQueue, default: "order.accepted",
            "Queue from accept to process"),
        .text(
            "queue.processed", "NAME", \.processedQueue, default: "order.processed",
            "Queue from process to notification"),
        .integer(
            "queue.retries", \.processingRetryCountMax, in: 0...100, default: "5",
            aliases: [Setting.Alias("RabbitMQ__MaxProcessingAttempts")],
            "Retries of a message before it is dead-lettered"),
        .duration(
            "workflow.ttl", \.workflowTTL, in: .seconds(1)...(.seconds(604_800)), default: "30m",
            aliases: [Setting.Alias("WorkflowState__Ttl")],
            "How long owner and status of an order stay in the state store"),
    ]

    private static let identity: [Setting] = [
        Setting(
            "jwt.signing-key", "TEXT", default: nil, dev: SigningKey.documented, secrecy: .secret,
            aliases: [Setting.Alias("Jwt__SigningKey"), Setting.Alias("DevJwt__SigningKey")],
            "HMAC key of tokens, at least 32 bytes"
        ) { text, configuration throws(SettingValueError) in
            configuration.signingKey = text
        },
        Setting(
            "jwt.authority", "URL", default: nil,
            aliases: [Setting.Alias("Jwt__Authority") { $0.isEmpty ? nil : $0 }],
            "OpenID Connect authority whose keys sign tokens, https://LOGIN/TENANT"
        ) { text, configuration throws(SettingValueError) in
            do throws(HTTPURLError) {
                configuration.authority = try HTTPURL(text)
            } catch {
                throw SettingValueError(
                    "write a URL such as https://login.example/tenant: \(error)")
            }
        },
        .optionalText(
            "jwt.authority-ca", "FILE", \.authorityCertificates,
            "PEM of those who may vouch for the authority; default: the system's"),
        Setting(
            "jwt.algorithms", "LIST",
            default: TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ","),
            "Signatures a token may have"
        ) { text, configuration throws(SettingValueError) in
            let names = SettingValue.list(text)
            let algorithms = names.compactMap(TokenAlgorithm.init(rawValue:))
            guard !algorithms.isEmpty, algorithms.count == names.count else {
                let all = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingValueError("write one or more of \(all)")
            }
            configuration.tokenAlgorithms = Set(algorithms)
        },
        .optionalText(
            "jwt.issuer", "TEXT", \.tokenIssuer,
            aliases: [Setting.Alias("Jwt__Issuer"), Setting.Alias("DevJwt__Issuer")],
            "Required iss of a token; without an authority it must be set outside development"),
        .optionalText(
            "jwt.audience", "TEXT", \.tokenAudience,
            aliases: [Setting.Alias("Jwt__Audience"), Setting.Alias("DevJwt__Audience")],
            "Required aud of a token; must be set outside development"),
        .duration(
            "jwt.clock-skew", \.clockSkew, in: .zero...(.seconds(300)), default: "30s",
            "How far clocks may differ when exp and nbf are checked"),
        .duration(
            "jwt.dev-lifetime", \.devTokenLifetime, in: .seconds(60)...(.seconds(2_592_000)),
            default: "120m",
            aliases: [Setting.Alias("DevJwt__ExpiresMinutes") { minutes($0) }],
            "Lifetime of a token of POST /dev/token"),
    ]

    private static let web: [Setting] = [
        Setting(
            "cors.origins", "LIST", default: "http://localhost:4200,https://localhost:4200",
            "Origins whose pages may call us; none: no other origin"
        ) { text, configuration throws(SettingValueError) in
            configuration.corsOrigins = try originList(text, or: "none")
        }
    ]

    /// Those between the commas; none where the text is `nobody`.
    static func originList(
        _ text: String, or nobody: String
    ) throws(SettingValueError) -> [String] {
        let origins = text == nobody ? [] : SettingValue.list(text)
        for origin in origins where !isOrigin(origin) {
            throw SettingValueError("write origins such as https://shop.example, or \(nobody)")
        }
        return origins
    }

    private static let limits: [Setting] = [
        .integer(
            "limits.connections", \.connectionCountMax, in: 16...1_000_000, default: "16384",
            "Connections per loop; more are told 503 and closed"),
        .size(
            "limits.body", \.httpLimits.bodyByteCountMax, in: 1024...(30 << 20), default: "1MiB",
            "Largest request body; more is 413"),
        .integer(
            "limits.order-items", \.orderItemCountMax, in: 1...10_000, default: "100",
            "Lines in one order; more is 400"),
        .integer(
            "limits.quantity", \.quantityMax, in: 1...1_000_000_000, default: "10000",
            "Quantity of one line; more is 400"),
        .integer(
            "workers.count", \.workerCount, in: 1...64, default: "4",
            "Threads for calls that block"),
        .integer(
            "workers.queue", \.workerQueueCountMax, in: 1...1_000_000, default: "1024",
            "Requests that wait for a worker; more are 503"),
    ]
}

// What the table's rows share.
extension Settings {
    private static func isOrigin(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            return !rest.isEmpty && !rest.contains { $0 == "/" || $0 == "*" || $0 == " " }
        }
        return false
    }

    @Sendable private static func isDevelopmentName(_ name: String) -> String? {
        name.lowercased() == "development" ? "true" : "false"
    }

    /// Serilog's six levels on our four.
    @Sendable private static func logLevelName(_ name: String) -> String? {
        switch name.lowercased() {
        case "verbose", "debug": "debug"
        case "information": "info"
        case "warning": "warning"
        case "error", "fatal": "error"
        default: name
        }
    }

    /// .NET counts this one in whole minutes; what is no number is left for the row to refuse.
    private static func minutes(_ text: String) -> String { Int(text) == nil ? text : text + "m" }

    /// The first URL of that scheme in `http://+:8080;https://+:8443`; Kestrel's `+` and `*` are
    /// every address. `none` if there is none: the variable names all listeners.
    private static func address(in urls: String, scheme: String) -> String? {
        for url in urls.split(separator: ";") where url.hasPrefix(scheme + "://") {
            var place = url.dropFirst(scheme.count + 3)
            if place.hasSuffix("/") { place = place.dropLast() }
            if place.hasPrefix("+:") || place.hasPrefix("*:") {
                return "0.0.0.0:" + place.dropFirst(2)
            }
            return String(place)
        }
        return "none"
    }
}
