// HandshakeMessage: the first record of each side, always JSON.
//
//   client ── {"protocol":"json","version":1} RS ──▶ server
//          ◀── {} RS  or  {"error":"…"} RS, then close ──
//
// Thread: pure values, any thread.  Allocates: the protocol's name, the error's text.
// Source: SignalR HubProtocol, "HandshakeRequest Message"; texts as .NET 8 writes them.

/// What a client asks for.
struct HandshakeRequest: Equatable, Sendable {
    let protocolName: String
    let version: Int64

    /// Reads one record without its separator. Unknown members of any shape are skipped.
    static func parse(
        _ record: UnsafeRawBufferPointer
    ) throws(HandshakeError) -> HandshakeRequest {
        var name: String?
        var version: Int64?
        do {
            var scanner = JSONScanner(record)
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "protocol") {
                    name = scanner.text(of: try scanner.string())
                } else if scanner.matches(key, "version") {
                    version = try scanner.integer()
                } else {
                    _ = try scanner.skipValue()
                }
            }
        } catch {
            throw .malformed(detail: HubProtocolError.json(error).detail)
        }
        guard let name else { throw .malformed(detail: HubProtocolError.missing(.protocol).detail) }
        guard let version else {
            throw .malformed(detail: HubProtocolError.missing(.version).detail)
        }
        return HandshakeRequest(protocolName: name, version: version)
    }

    /// The protocol to speak, among those this hub allows on a transport that carries `formats`.
    func resolve(
        supported: [HubProtocol], formats: [TransferFormat]
    ) throws(HandshakeError) -> HubProtocol {
        let wanted = protocolName.lowercased()
        guard let match = supported.first(where: { $0.name == wanted }) else {
            throw .unsupportedProtocol(protocolName)
        }
        // Lower versions, even zero and negative ones, are accepted: .NET does.
        if version > HubProtocol.versionMax {
            throw .unsupportedVersion(version, protocolName: match.name)
        }
        if !formats.contains(match.transferFormat) {
            throw .unsupportedFormat(match.transferFormat, protocolName: match.name)
        }
        return match
    }
}

/// Why a handshake failed. The client is told, then the connection ends.
enum HandshakeError: Error, Equatable, Sendable {
    case unsupportedProtocol(String)
    case unsupportedVersion(Int64, protocolName: String)
    case unsupportedFormat(TransferFormat, protocolName: String)
    /// Not JSON, not an object, or a member is missing or of the wrong type.
    case malformed(detail: String)
    /// Too slow or too long.
    case canceled

    func text(withDetails: Bool) -> String {
        switch self {
        case .unsupportedProtocol(let name): "The protocol '\(name)' is not supported."
        case .unsupportedVersion(let version, let name):
            "The server does not support version \(version) of the '\(name)' protocol."
        case .unsupportedFormat(let format, let name):
            "Cannot use the '\(name)' protocol on the current transport. "
                + "The transport does not support '\(format.rawValue)' transfer format."
        case .malformed(let detail):
            "An unexpected error occurred during connection handshake."
                + (withDetails ? " InvalidDataException: \(detail)" : "")
        case .canceled: "Handshake was canceled."
        }
    }
}

/// The server's answer, with its record separator.
enum HandshakeResponse {
    static let accepted: [UInt8] = Array("{}".utf8) + [JSONHubProtocol.recordSeparator]

    static func refused(_ error: HandshakeError, withDetails: Bool) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.string(error.text(withDetails: withDetails))
        json.endObject()
        return json.bytes + [JSONHubProtocol.recordSeparator]
    }
}
