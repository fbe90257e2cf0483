// NativeType: the Swift types that are one value of the hub's own and not what their Codable makes.
//
//   [UInt8], Data          bytes
//   HubTimestamp, Date     a moment
//   HubValue               whatever it is
//
// Data and Date are Foundation's, which the server does not link. A program that does link it has
// them, and they are found by their names in the binary, once. What Date says to a coder is the number
// of its seconds from 2001 on.
//
// Thread: any.  Allocates: never.
// Source: swift-foundation, `Date.encode(to:)`, `Data.init(from:)`; Swift's name mangling.

enum NativeType {
    case bytes, data, timestamp, date, value

    /// Nil for every other type.
    init?(_ type: Any.Type) {
        if type == [UInt8].self {
            self = .bytes
        } else if type == HubTimestamp.self {
            self = .timestamp
        } else if type == HubValue.self {
            self = .value
        } else if Self.dataTypes.contains(where: { $0 == type }) {
            self = .data
        } else if Self.dateTypes.contains(where: { $0 == type }) {
            self = .date
        } else {
            return nil
        }
    }

    // The module they are in is FoundationEssentials on Linux, and Foundation elsewhere.
    private static let dataTypes = ["20FoundationEssentials4DataV", "10Foundation4DataV"]
        .compactMap { _typeByName($0) }
    private static let dateTypes = ["20FoundationEssentials4DateV", "10Foundation4DateV"]
        .compactMap { _typeByName($0) }

    /// 2001-01-01T00:00:00Z, from which Date counts.
    private static let referenceSeconds: Int64 = 978_307_200

    static func referenceSeconds(of moment: HubTimestamp) -> Double {
        Double(moment.seconds - referenceSeconds) + Double(moment.nanoseconds) / 1e9
    }

    /// To the microsecond: a Date of our time holds no more.
    static func timestamp(referenceSeconds: Double) -> HubTimestamp? {
        let whole = referenceSeconds.rounded(.down)
        guard let seconds = Int64(exactly: whole) else { return nil }
        let microseconds = Int64(((referenceSeconds - whole) * 1e6).rounded())
        let (sum, isOver) = seconds.addingReportingOverflow(
            Self.referenceSeconds + microseconds / 1_000_000)
        if isOver { return nil }
        return HubTimestamp(
            seconds: sum, nanoseconds: UInt32(microseconds % 1_000_000) * 1000)
    }
}

extension HubTimestamp: Codable {
    /// As text, for other coders than the hub's.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let moment = HubTimestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a date of ISO 8601")
        }
        self = moment
    }
}

extension HubValue: Codable {
    /// For the hub's own coders, which take it as it is.
    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self,
            EncodingError.Context(
                codingPath: encoder.codingPath, debugDescription: "only the hub encodes a HubValue")
        )
    }

    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: "only the hub decodes a HubValue")
        )
    }
}
