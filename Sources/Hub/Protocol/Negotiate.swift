// Negotiate: the answer to POST {hub}/negotiate, always status 200.
//
//   version absent, 0   {"negotiateVersion":0,"connectionId":…,"availableTransports":[…]}
//   version 1 and up    the same with "connectionToken" between, and negotiateVersion 1
//   not an integer      {"error":"…"} and nothing else
//   stateful reconnect  "useStatefulReconnect":true in front, if asked for and granted
//
// Thread: pure functions, any thread.  Allocates: the answer.
// Source: SignalR TransportProtocols, "POST [endpoint-base]/negotiate"; field order as .NET 8.

enum Negotiate {
    /// The highest version we speak; a client that asks for more gets this one.
    static let versionMax = 1

    /// Reads the version a client asks for. Absent counts as 0.
    ///
    /// - Parameter versionMin: the lowest the hub accepts.
    static func version(
        _ text: String?, versionMin: Int = 0
    ) throws(NegotiateError) -> Int {
        var wanted = 0
        if let text {
            guard let number = Int(text) else { throw .notAnInteger(text) }
            wanted = number
        }
        if wanted < versionMin { throw .tooOld(wanted) }
        return min(wanted, versionMax)
    }

    /// - Parameters:
    ///   - ids: made for this version; a version 0 client gets no separate token.
    ///   - isResumable: stateful reconnect is granted.
    static func answer(
        version: Int, ids: ConnectionIDs, transports: [HubTransport], isResumable: Bool = false
    ) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 256)
        json.beginObject()
        if isResumable {
            json.key("useStatefulReconnect")
            json.bool(true)
        }
        json.key("negotiateVersion")
        json.integer(Int64(version))
        json.key("connectionId")
        json.string(ids.connectionID)
        if version > 0 {
            json.key("connectionToken")
            json.string(ids.token)
        }
        json.key("availableTransports")
        json.beginArray()
        // The order is that of the cases, not of the configuration.
        for transport in HubTransport.allCases where transports.contains(transport) {
            json.beginObject()
            json.key("transport")
            json.string(transport.rawValue)
            json.key("transferFormats")
            json.beginArray()
            for format in transport.formats { json.string(format.rawValue) }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    static func answer(_ error: NegotiateError) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.string(error.text)
        json.endObject()
        return json.bytes
    }
}

/// Why a client's negotiation is refused. No connection is reserved for it.
enum NegotiateError: Error, Equatable, Sendable {
    case notAnInteger(String)
    case tooOld(Int)

    var text: String {
        switch self {
        case .notAnInteger(let text):
            "The client requested an invalid protocol version '\(text)': it is not an integer."
        case .tooOld(let version):
            "The client requested version '\(version)', but the server does not support this version."
        }
    }
}
