// ForwardedElement: one hop in the Forwarded field, as the proxy that it came to has written it.
//
//   Forwarded: for="[2001:db8::7]:51234";proto=https;host=shop.example, for=10.0.0.9
//              └──────────────────── element ──────────────────────┘    └ element ┘
//              └────────── pair ─────────┘ └── pair ─┘
//
// A field that is malformed anywhere tells nothing: where its elements begin is anybody's guess.
//
// Thread: a pure value.  Allocates: per element.  Source: RFC 7239 §4, §6; RFC 9110 §5.6.4 (quoting).

struct ForwardedElement: Equatable {
    /// `for`, without quotes.
    var node: ArraySlice<UInt8>?
    /// `proto`.
    var scheme: ArraySlice<UInt8>?
    var host: ArraySlice<UInt8>?

    /// The elements of all Forwarded fields, in order. Nil if one of them is malformed.
    static func list(in head: RequestHead, _ bytes: [UInt8]) -> [ForwardedElement]? {
        var elements: [ForwardedElement] = []
        for field in head.fields where field.name == .forwarded {
            guard let more = list(in: bytes[field.valueRange.indices]) else { return nil }
            elements += more
        }
        return elements
    }

    static func list(in value: ArraySlice<UInt8>) -> [ForwardedElement]? {
        var reader = Reader(rest: value)
        var elements: [ForwardedElement] = []
        repeat {
            guard let element = reader.element() else { return nil }
            // RFC 9110 §5.6.1.2: empty elements of a list are skipped.
            if !element.isEmpty { elements.append(element.value) }
        } while reader.take(.comma)
        return reader.rest.isEmpty ? elements : nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        mutating func skipBlanks() { rest = rest.drop { $0.isBlank } }

        /// Pairs with semicolons between; nil if one is malformed or repeated.
        mutating func element() -> (value: ForwardedElement, isEmpty: Bool)? {
            var element = ForwardedElement()
            var names: [[UInt8]] = []
            repeat {
                skipBlanks()
                let name = token().map(\.lowercased)
                if !name.isEmpty {
                    guard take(0x3D), let value = value(), !names.contains(name) else { return nil }
                    names.append(name)
                    switch String(decoding: name, as: UTF8.self) {
                    case "for": element.node = value
                    case "proto": element.scheme = value
                    case "host": element.host = value
                    default: break
                    }
                }
                skipBlanks()
            } while take(.semicolon)
            return (element, names.isEmpty)
        }

        private mutating func token() -> ArraySlice<UInt8> {
            let token = rest.prefix { $0.isTokenByte }
            rest = rest[token.endIndex...]
            return token
        }

        /// A token or a quoted string, not empty. Nil if it is neither.
        private mutating func value() -> ArraySlice<UInt8>? {
            guard take(0x22) else {
                let token = token()
                return token.isEmpty ? nil : token
            }
            var text: [UInt8] = []
            while let byte = rest.popFirst() {
                switch byte {
                case 0x22: return text[...]
                case 0x5C:
                    guard let escaped = rest.popFirst() else { return nil }
                    text.append(escaped)
                default: text.append(byte)
                }
            }
            return nil
        }
    }
}
