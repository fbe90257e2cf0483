// HTTPLimits: every limit of the HTTP layer, with its unit, its default and what happens when it
// is hit.
//
// The defaults follow Kestrel's documented ones where it has them, so that a client of the replaced
// server meets no new refusal.
//
// Thread: a pure value.

import Loop

/// Limits of HTTP/1.1 intake.
public struct HTTPLimits: Sendable {
    /// Bytes of the request line without its CRLF; more is 414.
    public var requestLineByteCountMax = 8 * 1024
    /// Header fields of one request; more is 431.
    public var fieldCountMax = 100
    /// Bytes of all field lines of one request with their CRLFs; more is 431.
    public var fieldsByteCountMax = 32 * 1024
    /// Empty lines tolerated in front of a request line (RFC 9112 §2.2); more is 400.
    public var leadingEmptyLineCountMax = 4
    /// Bytes of a request body after decoding, where the route sets no limit of its own; more is 413.
    public var bodyByteCountMax = 1024 * 1024
    /// Bytes of all chunk extensions of one body; more is 400.
    public var chunkExtensionByteCountMax = 4 * 1024
    /// Bytes of the trailer section of one body; more is 431.
    public var trailerByteCountMax = 8 * 1024
    /// From the first byte of a request, or from the accept for the first one, to the end of its
    /// head; then 408, or a silent close if no byte has come.
    public var headTimeout: Duration = .seconds(15)
    /// A body must bring this many bytes per second, measured over each `bodyRateWindow`; a slower
    /// one is 408. A body of any size that drips is cut after one window.
    public var bodyBytesPerSecondMin = 240
    /// How long a body is watched before it is judged, again and again.
    public var bodyRateWindow: Duration = .seconds(5)
    /// From the end of a response to the first byte of the next request; then a silent close.
    public var keepAliveTimeout: Duration = .seconds(75)
    /// Requests one connection may have answered in one tick; the rest wait for the next tick.
    public var requestCountPerTick = 32
    /// Bytes of a response body queued at a time; the next piece waits for the low-water mark.
    public var responsePieceByteCount = 64 * 1024

    public init() {}

    /// Bytes a body must bring in one window.
    var bodyByteCountPerWindow: Int {
        Int(Int64(bodyBytesPerSecondMin) * bodyRateWindow.milliseconds / 1000)
    }

    /// Traps if the limits contradict each other.
    public func validate() {
        precondition(requestLineByteCountMax >= 16, "a request line has at least 14 bytes")
        precondition(fieldCountMax > 0)
        precondition(fieldsByteCountMax > 0)
        precondition(bodyByteCountMax >= 0)
        precondition(bodyBytesPerSecondMin >= 0, "zero waits for any body")
        precondition(headTimeout > .zero && keepAliveTimeout > .zero && bodyRateWindow > .zero)
        precondition(requestCountPerTick > 0)
        precondition(responsePieceByteCount > 0)
    }
}
