// Settings+Drain: the rows of the table that are about leaving. Their effects: docs/OPERATIONS.md.
//
// Thread: constants.

import Loop

extension Settings {
    static let drain: [Setting] = [
        .duration(
            "drain.delay", \.drainDelay, in: .zero...(.seconds(300)), default: "5s", dev: "0s",
            "From SIGTERM to the first close, so that load balancers notice"),
        .duration(
            "drain.period", \.drainPeriod, in: .zero...(.seconds(300)), default: "10s", dev: "2s",
            "Time over which connections are closed"),
        .integer(
            "drain.rate", \.drainRate, in: 0...1_000_000, default: "0",
            "Hub connections closed per second; 0: all within half the period, at least 100"),
        .text(
            "drain.file", "FILE", \.drainingFile, default: "/tmp/draining",
            "While it exists /health/ready says 503"),
    ]
}
