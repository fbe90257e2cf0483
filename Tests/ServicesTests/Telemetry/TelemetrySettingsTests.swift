import Loop
import TestSupport
import Testing
import WS

@testable import Services

@Suite struct TelemetrySettingsTests {
    private static let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"]

    private func settings(
        _ variables: [String: String]
    ) throws(TelemetrySettingsError) -> TelemetrySettings {
        try TelemetrySettings(
            environment: variables.merging(Self.endpoint) { given, _ in given })
    }

    // MARK: Where to

    @Test func `without an endpoint nothing is exported`() throws {
        #expect(try TelemetrySettings(environment: [:]).url == nil)
        #expect(try TelemetrySettings(environment: ["OTEL_SERVICE_NAME": "a"]).url == nil)
    }

    @Test(arguments: [
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"], "http://c:4318/v1/traces"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/"], "https://c/otlp/v1/traces"),
        (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/x"], "http://c:1/x"),
        (
            [
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://own:1/x",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318",
            ], "http://own:1/x"
        ),
        (["OTEL_TRACES_EXPORTER": "otlp"], "http://localhost:4318/v1/traces"),
    ])
    func `the endpoint for all signals gets a path, the one for traces is taken as it is`(
        variables: [String: String], url: String
    ) throws {
        #expect(try TelemetrySettings(environment: variables).url?.description == url)
    }

    @Test(arguments: [
        ["OTEL_SDK_DISABLED": "true"], ["OTEL_SDK_DISABLED": " True "],
        ["OTEL_TRACES_EXPORTER": "none"],
    ])
    func `export can be switched off`(variables: [String: String]) throws {
        #expect(try settings(variables).url == nil)
    }

    @Test(arguments: ["grpc", "http/json"])
    func `a protocol that is not offered is an error that says what to write`(name: String) {
        let error = #expect(throws: TelemetrySettingsError.self) {
            try settings(["OTEL_EXPORTER_OTLP_PROTOCOL": name])
        }
        #expect(error?.variable == "OTEL_EXPORTER_OTLP_PROTOCOL")
        #expect(error?.text.contains("http/protobuf") == true)
        #expect(error?.text.contains("4318") == true)
    }

    @Test(arguments: ["collector:4318", "grpc://c:4317", "http://", "http://u:p@c:4318"])
    func `an endpoint that is no URL is an error without the URL`(text: String) {
        let error = #expect(throws: TelemetrySettingsError.self) {
            try settings(["OTEL_EXPORTER_OTLP_ENDPOINT": text])
        }
        #expect(error?.variable == "OTEL_EXPORTER_OTLP_ENDPOINT")
        #expect(error?.text.contains("u:p") == false)
    }

    @Test func `headers are a list with percent-encoded values`() throws {
        let headers = try settings([
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b=c, x = y,"
        ]).headers
        #expect(headers.map(\.name) == ["api-key", "x"])
        #expect(headers.map(\.value) == ["a b=c", "y"])
    }

    @Test(arguments: ["secret", "a b=secret", "k=%zzsecret"])
    func `a malformed list of headers is an error that does not repeat it`(text: String) {
        let error = #expect(throws: TelemetrySettingsError.self) {
            try settings(["OTEL_EXPORTER_OTLP_HEADERS": text])
        }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `certificates and the time-out go to the connection`() throws {
        let given = try settings([
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k.pem",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1500",
        ])
        #expect(given.tls.authorityFile == "/ca.pem")
        #expect(given.tls.certificateFile == "/c.pem")
        #expect(given.tls.keyFile == "/k.pem")
        #expect(given.timeout == .milliseconds(1500))
    }

    // MARK: How many

    @Test func `the batch's limits have the specification's defaults, and can be set`() throws {
        let standard = try settings([:])
        #expect(standard.scheduleDelay == .seconds(5))
        #expect(standard.exportTimeout == .seconds(30))
        #expect(standard.queueCountMax == 2048)
        #expect(standard.batchCountMax == 512)
        #expect(standard.timeout == .seconds(10))

        let given = try settings([
            "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BSP_EXPORT_TIMEOUT": "200",
            "OTEL_BSP_MAX_QUEUE_SIZE": "30", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "40",
        ])
        #expect(given.scheduleDelay == .milliseconds(100))
        #expect(given.exportTimeout == .milliseconds(200))
        #expect(given.queueCountMax == 30)
        #expect(given.batchCountMax == 30)
    }

    @Test(arguments: ["0", "-1", "many", "1000001"])
    func `a number that cannot be used is warned of, and the default taken`(text: String) throws {
        let given = try settings(["OTEL_BSP_MAX_QUEUE_SIZE": text])
        #expect(given.queueCountMax == 2048)
        #expect(given.warnings.count == 1)
        #expect(given.warnings[0].hasPrefix("OTEL_BSP_MAX_QUEUE_SIZE=\(text): "))
    }

    @Test(
        arguments: [
            ("always_on", nil, Sampler(.always, followsParent: false)),
            ("always_off", nil, Sampler(.never, followsParent: false)),
            ("traceidratio", "0.25", Sampler(.ratio(0.25), followsParent: false)),
            ("traceidratio", nil, Sampler(.ratio(1), followsParent: false)),
            ("parentbased_always_on", nil, Sampler(.always)),
            ("parentbased_always_off", nil, Sampler(.never)),
            ("parentbased_traceidratio", "0", Sampler(.ratio(0))),
            ("PARENTBASED_ALWAYS_OFF", nil, Sampler(.never)),
        ] as [(String, String?, Sampler)])
    func `each sampler has its name`(name: String, share: String?, sampler: Sampler) throws {
        var variables = ["OTEL_TRACES_SAMPLER": name]
        variables["OTEL_TRACES_SAMPLER_ARG"] = share
        let given = try settings(variables)
        #expect(given.sampler == sampler)
        #expect(given.warnings.isEmpty)
    }

    @Test func `an unknown sampler or share is warned of`() throws {
        let unknown = try settings(["OTEL_TRACES_SAMPLER": "jaeger_remote"])
        #expect(unknown.sampler == Sampler())
        #expect(unknown.warnings.count == 1)
        let share = try settings([
            "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5",
        ])
        #expect(share.sampler == Sampler(.ratio(1), followsParent: false))
        #expect(share.warnings.count == 1)
    }

    @Test func `compression is warned of`() throws {
        #expect(try settings(["OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"]).warnings.count == 1)
        #expect(try settings(["OTEL_EXPORTER_OTLP_COMPRESSION": "none"]).warnings.isEmpty)
    }

    // MARK: Who

    private func resource(
        _ variables: [String: String], _ roles: Set<ServiceRole>
    ) throws -> [String: String] {
        let resource = try settings(variables).resource(
            roles: roles, random: SeededRandom(seed: 1))
        #expect(Set(resource.attributes.map(\.name)).count == resource.attributes.count)
        return Dictionary(uniqueKeysWithValues: resource.attributes.map { ($0.name, $0.value) })
    }

    @Test(
        arguments: [
            ([.accept], "order-accept"), ([.process], "order-process"),
            ([.notification], "order-notification"), ([.accept, .process], "contoso-orders"),
            ([.accept, .process, .notification], "contoso-orders"),
        ] as [(Set<ServiceRole>, String)])
    func `a process is called by its role`(roles: Set<ServiceRole>, name: String) throws {
        let attributes = try resource([:], roles)
        #expect(attributes["service.name"] == name)
        #expect(attributes["service.version"] == CommandLineTool.version)
        #expect(attributes["service.instance.id"]?.utf8.count == 36)
    }

    @Test func `the operator's attributes are added, and the service's own variable wins`() throws {
        let attributes = try resource(
            [
                "OTEL_RESOURCE_ATTRIBUTES":
                    "deployment.environment.name=prod, service.name=a,service.instance.id=pod-1",
                "OTEL_SERVICE_NAME": "b",
            ], [.accept])
        #expect(attributes["deployment.environment.name"] == "prod")
        #expect(attributes["service.name"] == "b")
        #expect(attributes["service.instance.id"] == "pod-1")
        #expect(
            try resource(["OTEL_RESOURCE_ATTRIBUTES": "service.name=a"], [.accept])["service.name"]
                == "a")
    }

    @Test func `a malformed list of attributes is ignored with a warning`() throws {
        let given = try settings(["OTEL_RESOURCE_ATTRIBUTES": "a=b,oops"])
        #expect(given.resourceAttributes.isEmpty)
        #expect(given.warnings.count == 1)
    }
}
