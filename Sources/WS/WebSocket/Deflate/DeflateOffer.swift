// DeflateOffer: what a client offers in Sec-WebSocket-Extensions, and what we answer.
//
//   permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate
//   └─────────────────────── first offer ───────────────────────────────┘  └─ the next one ─┘
//
//   server_no_context_takeover   answered always: a broadcast is compressed once for everybody
//   client_no_context_takeover   answered always: no connection keeps a window of what came
//   server_max_window_bits=N     answered with N; see DeflateWindow
//   client_max_window_bits[=N]   allowed and not answered: our window is the largest one
//
// An offer with an unknown parameter, one twice, or a wrong value is declined and the next one looked
// at; without a good one the WebSocket opens without the extension (RFC 7692 §5, §7).
//
// Thread: a pure value.  Allocates: strings, once per connection.  Source: RFC 7692 §5.1, §7.1; RFC 6455 §9.1.

/// How far back a client can look in what it inflates.
public struct DeflateWindow: Equatable, Sendable {
    /// 8 to 15: the window's size is two to this power.
    let bits: UInt8

    static let largest = DeflateWindow(bits: 15)

    /// No context is taken over, so nothing in a message refers further back than its beginning: up to
    /// this length the same compressed bytes are good for every window that is not smaller. A longer
    /// message goes out as it is, rather than compressed once more for those with small windows.
    public func fits(messageByteCount: Int) -> Bool {
        self == .largest || messageByteCount <= 1 << Int(bits)
    }
}

struct DeflateOffer: Equatable {
    /// Nil if the client did not speak of it.
    private(set) var serverWindow: DeflateWindow?

    /// The first acceptable offer.
    ///
    /// - Parameter headerValues: of Sec-WebSocket-Extensions, one element per field line.
    static func first(in headerValues: [String]) -> DeflateOffer? {
        for value in headerValues {
            for extensionText in value.utf8.split(separator: UInt8(ascii: ",")) {
                if let offer = DeflateOffer(extensionText) { return offer }
            }
        }
        return nil
    }

    /// Nil if this is another extension, or an offer to be declined.
    private init?(_ text: Substring.UTF8View) {
        let parts = text.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard Self.token(parts[0]) == "permessage-deflate" else { return nil }
        var seen: Set<String> = []
        for part in parts.dropFirst() {
            let pair = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.token(pair[0])
            guard seen.insert(name).inserted else { return nil }
            let bits = pair.count == 2 ? Self.windowBits(pair[1]) : nil
            if pair.count == 2, bits == nil { return nil }
            switch (name, bits) {
            case ("server_no_context_takeover", nil), ("client_no_context_takeover", nil): break
            case ("client_max_window_bits", _): break
            case ("server_max_window_bits", let bits?): serverWindow = DeflateWindow(bits: bits)
            default: return nil
            }
        }
    }

    /// The value of the answer's Sec-WebSocket-Extensions.
    var answer: String {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            + (serverWindow.map { "; server_max_window_bits=\($0.bits)" } ?? "")
    }

    /// Without the blanks around it. Names are compared as they are: RFC 7692 writes them in lowercase.
    private static func token(_ text: Substring.UTF8View) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let start = text.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(Substring(start[...last]))
    }

    /// 8 to 15 in decimal without leading zeros, as a token or the same quoted.
    private static func windowBits(_ text: Substring.UTF8View) -> UInt8? {
        var digits = token(text)
        if digits.count > 2, digits.hasPrefix("\""), digits.hasSuffix("\"") {
            digits = String(digits.dropFirst().dropLast())
        }
        return (8...15).first { String($0) == digits }
    }
}
