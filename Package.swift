// swift-tools-version:6.2
import PackageDescription

/// Every Swift target is built with these. Exclusivity checks stay on in debug builds and tests; in
/// release they cost 7 to 9 ns per stored-property access across modules (docs/DECISIONS/0003).
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Crash points (`CRASH_AT=name[:count]`) exist in debug builds only.
let crashPoints: [SwiftSetting] = [.define("CRASH_POINTS", .when(configuration: .debug))]

let package = Package(
    name: "contoso-orders",
    products: [
        .executable(name: "contoso", targets: ["contoso"]),
        .executable(name: "echo-server", targets: ["echo-server"]),
        .executable(name: "hub-server", targets: ["hub-server"]),
        .executable(name: "bench", targets: ["bench"]),
        .executable(name: "bench-micro", targets: ["bench-micro"]),
    ],
    targets: [
        // Loop: bytes in and out; knows no protocol.
        .target(name: "CLinux", path: "Sources/Loop/CLinux"),
        .target(
            name: "COpenSSL", path: "Sources/Loop/COpenSSL",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(
            name: "Loop", dependencies: ["CLinux", "COpenSSL"],
            exclude: ["CLinux", "COpenSSL"], swiftSettings: strict),

        // WS: bytes to HTTP requests and WebSocket messages.
        .target(
            name: "CZlib", path: "Sources/WS/WebSocket/Deflate/CZlib",
            linkerSettings: [.linkedLibrary("z")]),
        .target(
            name: "WS", dependencies: ["Loop", "COpenSSL", "CZlib"],
            exclude: ["EchoServer", "WebSocket/Deflate/CZlib"], swiftSettings: strict),
        .executableTarget(
            name: "echo-server", dependencies: ["WS"],
            path: "Sources/WS/EchoServer", swiftSettings: strict),

        // Hub: SignalR, and who receives what.
        .target(
            name: "CHiredis", path: "Sources/Hub/Redis/CHiredis",
            linkerSettings: [.linkedLibrary("hiredis")]),
        .target(
            name: "Hub", dependencies: ["WS", "COpenSSL", "CHiredis"],
            exclude: ["Redis/CHiredis", "ExampleServer"], swiftSettings: strict),
        .executableTarget(
            name: "hub-server", dependencies: ["Hub"],
            path: "Sources/Hub/ExampleServer", swiftSettings: strict),

        // Services: the business and its outside connections.
        .target(
            name: "CSQLite", path: "Sources/Services/Data/CSQLite",
            linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "CPostgres", path: "Sources/Services/Data/Postgres/CPostgres",
            linkerSettings: [.linkedLibrary("pq")]),
        .target(
            name: "CRabbitMQ", path: "Sources/Services/Messaging/RabbitMQ/CRabbitMQ",
            linkerSettings: [.linkedLibrary("rabbitmq")]),
        .target(
            name: "Services",
            dependencies: ["Hub", "CSQLite", "CPostgres", "CRabbitMQ", "COpenSSL"],
            exclude: [
                "Contoso", "Data/CSQLite", "Data/Postgres/CPostgres",
                "Messaging/RabbitMQ/CRabbitMQ",
            ],
            swiftSettings: strict + crashPoints),
        .executableTarget(
            name: "contoso", dependencies: ["Services"],
            path: "Sources/Services/Contoso", swiftSettings: strict + crashPoints),

        // Benchmarks: the load generator and the raw C floor it is compared with.
        .target(
            name: "Measure", dependencies: ["CZlib"], path: "Benchmarks/Measure",
            swiftSettings: strict),
        .executableTarget(
            name: "floor", path: "Benchmarks/Floor",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .executableTarget(
            name: "bench", dependencies: ["CLinux", "COpenSSL", "Loop", "WS", "Hub", "Measure"],
            path: "Benchmarks/Bench", swiftSettings: strict),
        .target(name: "CMicro", path: "Benchmarks/Micro/CMicro"),
        .executableTarget(
            name: "bench-micro",
            dependencies: ["CLinux", "CMicro", "Loop", "WS", "Hub", "Services", "TestSupport"],
            path: "Benchmarks/Micro", exclude: ["CMicro"], swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Loop", "CLinux", "COpenSSL"],
            path: "Tests/Support",
            swiftSettings: strict),
        // Stands between the tests' executable and the C library: no program links it.
        .target(name: "CFaults", path: "Tests/Faults/CFaults"),
        .target(
            name: "Faults", dependencies: ["CFaults"], path: "Tests/Faults",
            exclude: ["CFaults"], swiftSettings: strict),
        .testTarget(
            name: "LoopTests", dependencies: ["Loop", "COpenSSL", "Faults", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "WSTests", dependencies: ["WS", "CZlib", "Faults", "TestSupport"],
            swiftSettings: strict),
        // What must hold for any bytes: tests try a few, scripts/fuzz as many as there is time for.
        .target(
            name: "FuzzTargets", dependencies: ["Services"], path: "Tests/Fuzz/Targets",
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"],
            path: "Tests/Fuzz/Replay", swiftSettings: strict),
        .testTarget(
            name: "HubTests", dependencies: ["Hub", "FuzzTargets", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ServicesTests", dependencies: ["Services", "Faults", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "BenchTests", dependencies: ["Measure", "bench", "bench-micro", "TestSupport"],
            swiftSettings: strict),
    ]
)

// scripts/fuzz alone sets this: the fuzzer, and its instrumentation in what it is to reach.
if Context.environment["FUZZ"] != nil {
    let fuzzer: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]
    for target in package.targets
    where ["WS", "Hub", "Services", "FuzzTargets"].contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + fuzzer
    }
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver",
            swiftSettings: strict + fuzzer,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]))
}
