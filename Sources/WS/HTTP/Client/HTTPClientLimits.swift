// HTTPClientLimits: every limit on what another server may make us do, with its unit and default.
//
// Thread: a pure value.

import Loop

public struct HTTPClientLimits: Sendable {
    /// Bytes of a status line without its CRLF.
    public var statusLineByteCountMax = 1024
    /// Header fields of one response.
    public var fieldCountMax = 100
    /// Bytes of all field lines of one response with their CRLFs.
    public var fieldsByteCountMax = 32 * 1024
    /// Interim (1xx) responses before the final one.
    public var interimResponseCountMax = 8
    /// Bytes of all chunk extensions of one body.
    public var chunkExtensionByteCountMax = 4 * 1024
    /// Bytes of the trailer section of one body.
    public var trailerByteCountMax = 8 * 1024
    /// Requests that may wait for their answers at one time; one more fails at once.
    public var exchangeCountMax = 64
    /// How long an idle connection is kept for the next request.
    public var idleTimeout: Duration = .seconds(30)

    public init() {}

    /// What the body's decoder goes by.
    var body: HTTPLimits {
        var limits = HTTPLimits()
        limits.chunkExtensionByteCountMax = chunkExtensionByteCountMax
        limits.trailerByteCountMax = trailerByteCountMax
        return limits
    }
}
