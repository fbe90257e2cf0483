// RoutePattern: the path of a route, matched segment by segment on the bytes of the request.
//
//   /api/orders/{id:long}      literals ignore ASCII case; a parameter takes one segment that is
//                              not empty; `:long` wants a 64-bit integer and matches nothing else
//
// Segments are split before they are decoded, so `%2F` is part of a segment and never a separator.
//
// Thread: a pure value.  Allocates: parameter values.  Source: ASP.NET Core routing, whose routes
// these replace; RFC 3986 §3.3.

/// The parameters of one matched path.
public struct PathParameters: Sendable {
    private(set) var values: [(name: String, value: String)] = []

    public init() {}

    mutating func append(_ name: String, _ value: String) { values.append((name, value)) }

    /// The decoded value; nil if the pattern has no such parameter.
    public subscript(name: String) -> String? { values.first { $0.name == name }?.value }

    /// The value of a `:long` parameter.
    public func integer(_ name: String) -> Int64? { self[name].flatMap { Int64($0) } }
}

struct RoutePattern {
    private enum Segment {
        /// In lower case.
        case literal([UInt8])
        case parameter(name: String, isInteger: Bool)
    }

    private let segments: [Segment]

    /// Traps if `text` is no pattern: routes are written in code.
    init(_ text: String) {
        precondition(text.first == "/", "a route begins with a slash: \(text)")
        segments = text.split(separator: "/").map { part in
            guard part.first == "{" else { return .literal(part.utf8.map(\.lowercased)) }
            precondition(part.last == "}", "a parameter ends with a brace: \(text)")
            let name = part.dropFirst().dropLast()
            guard name.hasSuffix(":long") else {
                precondition(!name.contains(":"), "the only constraint is :long: \(text)")
                return .parameter(name: String(name), isInteger: false)
            }
            return .parameter(name: String(name.dropLast(5)), isInteger: true)
        }
    }

    /// Matches the path as it was sent. One slash at the end is ignored.
    func match(_ path: ArraySlice<UInt8>) -> PathParameters? {
        var parameters = PathParameters()
        var rest = path.dropFirst()
        guard path.first == .slash else { return nil }
        if rest.last == .slash { rest = rest.dropLast() }
        if segments.isEmpty { return rest.isEmpty && path.count == 1 ? parameters : nil }
        var start = rest.startIndex
        for (position, segment) in segments.enumerated() {
            let end = rest[start...].firstIndex(of: .slash) ?? rest.endIndex
            let isLast = position == segments.count - 1
            guard isLast == (end == rest.endIndex) else { return nil }
            guard Self.take(rest[start..<end], as: segment, into: &parameters) else { return nil }
            start = isLast ? end : end + 1
        }
        return parameters
    }

    private static func take(
        _ bytes: ArraySlice<UInt8>, as segment: Segment, into parameters: inout PathParameters
    ) -> Bool {
        switch segment {
        case .literal(let text): return equals(bytes, text)
        case .parameter(let name, let isInteger):
            if bytes.isEmpty { return false }
            let value = String(decoding: PercentEncoding.decodePath(bytes), as: UTF8.self)
            if isInteger && Int64(value) == nil { return false }
            parameters.append(name, value)
            return true
        }
    }

    /// Compares decoded and lower-cased, without building either.
    private static func equals(_ bytes: ArraySlice<UInt8>, _ text: [UInt8]) -> Bool {
        var index = bytes.startIndex
        for expected in text {
            guard index < bytes.endIndex else { return false }
            let (byte, next) = PercentEncoding.unit(bytes, at: index)
            guard byte.lowercased == expected else { return false }
            index = next
        }
        return index == bytes.endIndex
    }
}
