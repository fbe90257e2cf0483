// HubRecords: the SignalR records a client of any server has to know.
//
//   client ── {"protocol":"json","version":1} RS ─▶      ◀─ {} RS  or  {"error":"…"} RS
//   both  ─── {"type":6} RS                               a ping
//
// Thread: pure functions.  Allocates: texts.  Source: SignalR HubProtocol, TransportProtocols.

import Hub

enum HubRecords {
    static let separator: UInt8 = 0x1E
    static let handshake = #"{"protocol":"json","version":1}"#
    static let ping = #"{"type":6}"#

    /// What the first record of a server means; nil when it accepts.
    static func refusal(_ record: UnsafeRawBufferPointer) throws(JSONError) -> String? {
        var scanner = JSONScanner(record)
        var refusal: String?
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "error") {
                refusal = try scanner.optionalText()
            } else {
                _ = try scanner.skipValue()
            }
        }
        try scanner.end()
        return refusal
    }

    /// The members of a record that matter here.
    struct Members: Equatable {
        var type: Int64 = 0
        var target = ""
        var invocationID: String?
        /// The bytes of `arguments`, brackets included.
        var arguments: Range<Int>?
        var hasError = false
    }

    /// Reads a record in full; nil if it is malformed.
    static func members(_ record: UnsafeRawBufferPointer) -> Members? {
        var scanner = JSONScanner(record)
        var members = Members()
        do throws(JSONError) {
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "type") {
                    members.type = try scanner.integer()
                } else if scanner.matches(key, "target") {
                    members.target = scanner.text(of: try scanner.string())
                } else if scanner.matches(key, "invocationId") {
                    members.invocationID = scanner.text(of: try scanner.string())
                } else if scanner.matches(key, "arguments") {
                    members.arguments = try scanner.skipValue()
                } else {
                    if scanner.matches(key, "error") { members.hasError = true }
                    _ = try scanner.skipValue()
                }
            }
            try scanner.end()
            return members
        } catch {
            return nil
        }
    }
}
