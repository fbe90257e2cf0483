// TLSNameTable: which of several certificates a server name stands for.
//
//   "Shop.Example"      ─▶ shop.example     exact
//   "api.shop.example"  ─▶ *.shop.example   one label for the star, and only the whole first one
//
// Thread: a pure value.  Allocates: the lower-case copy of a looked-up name.
// Source: RFC 6066 §3; RFC 6125 §6.4.1, §6.4.3.

/// Names of certificates, each with one value.
struct TLSNameTable<Value> {
    private var exact: [String: Value] = [:]
    /// By what follows "*.".
    private var wildcards: [String: Value] = [:]

    /// A name with a star anywhere else than as its first label names nobody.
    mutating func insert(_ name: String, _ value: Value) {
        let name = Self.folded(name)
        if name.hasPrefix("*.") {
            wildcards[String(name.dropFirst(2))] = value
        } else {
            exact[name] = value
        }
    }

    /// The value of the name, or of the wildcard over it.
    func value(of name: String) -> Value? {
        let name = Self.folded(name)
        if let value = exact[name] { return value }
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex else {
            return nil
        }
        return wildcards[String(name[name.utf8.index(after: dot)...])]
    }

    /// Names are ASCII (RFC 6066); the root's dot is no part of them.
    private static func folded(_ name: String) -> String {
        let bytes = name.utf8.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        let isRooted = bytes.last == UInt8(ascii: ".")
        return String(decoding: isRooted ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }
}

extension TLSNameTable: Sendable where Value: Sendable {}
