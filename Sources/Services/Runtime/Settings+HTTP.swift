// Settings+HTTP: the rows of the table that bound what a client may send. Their effects: docs/LIMITS.md.
//
// Thread: constants.

import Loop
import WS

extension Settings {
    static let http = httpSizes + httpTimes

    /// Together below what a connection may leave unconsumed, `Limits.leftoverByteCountMax`.
    private static let httpSizes: [Setting] = [
        .size(
            "http.request-line", \.httpLimits.requestLineByteCountMax, in: 256...(64 << 10),
            default: "8KiB", "Longest request line; more is 414"),
        .integer(
            "http.header-count", \.httpLimits.fieldCountMax, in: 8...1000, default: "100",
            "Header fields of one request; more are 431"),
        .size(
            "http.header-size", \.httpLimits.fieldsByteCountMax, in: 1024...(128 << 10),
            default: "32KiB", "All header fields of one request together; more is 431"),
    ]

    private static let httpTimes: [Setting] = [
        .duration(
            "http.header-timeout", \.httpLimits.headTimeout, in: .seconds(1)...(.seconds(600)),
            default: "15s", "Time a client has to send the head of a request; then 408"),
        .integer(
            "http.body-rate", \.httpLimits.bodyBytesPerSecondMin, in: 0...(1 << 20),
            default: "240", "Bytes per second a request body must bring; less is 408"),
        .duration(
            "http.body-window", \.httpLimits.bodyRateWindow, in: .seconds(1)...(.seconds(60)),
            default: "5s", "Time over which that speed is measured, again and again"),
        .duration(
            "http.idle-timeout", \.httpLimits.keepAliveTimeout, in: .seconds(1)...(.seconds(3600)),
            default: "75s", "Silence between two requests after which the connection is closed"),
    ]
}
