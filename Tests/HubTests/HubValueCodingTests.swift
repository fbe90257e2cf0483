import Foundation
import Testing

@testable import Hub

/// Swift types as values and back, with the leniency of System.Text.Json.
@Suite("HubValue coding") struct HubValueCodingTests {
    private enum Level: String, Codable { case low, high }

    private struct Part: Codable, Equatable {
        var id: Int
        var weight: Double?
    }

    private struct Named: Decodable { let name: String }

    private struct Order: Codable, Equatable {
        var name: String
        var isPaid: Bool
        var level: Level
        var small: Int8
        var big: UInt64
        var ratio: Float
        var note: String?
        var parts: [Part]
        var counts: [String: Int]
        var blob: Data
        var bytes: [UInt8]
        var changedAt: Date
        var moment: HubTimestamp
        var anything: HubValue
    }

    private static let order = Order(
        name: "Ann", isPaid: true, level: .high, small: -5, big: .max, ratio: 1.5, note: nil,
        parts: [Part(id: 1, weight: 2), Part(id: 2, weight: nil)], counts: ["one": 1],
        blob: Data([1, 2, 3]), bytes: [4, 5], changedAt: Date(timeIntervalSince1970: 1.25),
        moment: HubTimestamp(seconds: 7, nanoseconds: 8), anything: [1, ["x": nil]])

    private static let value: HubValue = .map([
        .init("name", "Ann"), .init("isPaid", true), .init("level", "high"), .init("small", -5),
        .init("big", .unsigned(.max)), .init("ratio", .float(1.5)), .init("note", nil),
        .init("parts", [["id": 1, "weight": 2.0], ["id": 2, "weight": nil]]),
        .init("counts", ["one": 1]), .init("blob", .binary([1, 2, 3])),
        .init("bytes", .binary([4, 5])),
        .init("changedAt", .timestamp(HubTimestamp(seconds: 1, nanoseconds: 250_000_000))),
        .init("moment", .timestamp(HubTimestamp(seconds: 7, nanoseconds: 8))),
        .init("anything", [1, ["x": nil]]),
    ])

    /// J05, J08: bytes, and a member that is nil is written as null.
    @Test func `a type is written with all its members, null ones included`() throws {
        #expect(try HubValueEncoder.encode(Self.order) == Self.value)
    }

    @Test func `a type comes back from both formats`() throws {
        let raw = try RawValue(encoding: Self.order)
        #expect(try raw.decode(as: Order.self) == Self.order)
        for hubProtocol in HubProtocol.allCases {
            #expect(try transported(raw, by: hubProtocol).decode(as: Order.self) == Self.order)
        }
    }

    /// J04, J07: names in any case; dates with an offset; base64.
    @Test func `JSON as .NET writes it is read`() throws {
        let text = #"""
            {"NAME":"Ann","ispaid":true,"Level":"high","small":-5.0,"big":18446744073709551615,
             "RATIO":1.5,"Parts":[{"ID":1,"Weight":2},{"Id":2}],"counts":{"one":1.0},
             "blob":"AQID","Bytes":"BAU=","changedAt":"1970-01-01T02:00:01.25+02:00",
             "moment":"1970-01-01T00:00:07.000000008Z","anything":[1,{"x":null}],"unknown":{}}
            """#
        #expect(try RawValue.json(RawJSON(text)).decode(as: Order.self) == Self.order)
    }

    /// J07: the exact name goes first, wherever it stands.
    @Test(arguments: [1, 20])
    func `a member of the exact name is taken before one in another case`(
        otherCount: Int
    ) throws {
        let others = (0..<otherCount).map { HubValue.Member("other\($0)", nil) }
        func name(_ members: [HubValue.Member]) throws -> String {
            try HubValueDecoder.decode(Named.self, from: .map(members + others)).name
        }
        #expect(try name([.init("NAME", "a"), .init("name", "b"), .init("Name", "c")]) == "b")
        #expect(try name([.init("NAME", "a"), .init("Name", "c")]) == "c")
        #expect(try name([.init("name", "a"), .init("name", "b")]) == "b")
        #expect(throws: (any Error).self) { try name([.init("named", "a")]) }
    }

    /// J41: another naming is a matter of the type, and no setting of the hub.
    @Test(arguments: HubProtocol.allCases)
    func `coding keys name the members of a payload and never those of the envelope`(
        hubProtocol: HubProtocol
    ) throws {
        struct Renamed: Codable, Equatable {
            let invocationId: Int
            enum CodingKeys: String, CodingKey { case invocationId = "invocation_id" }
        }
        let raw = try RawValue(encoding: Renamed(invocationId: 7))
        let record = try hubProtocol.encode(
            .streamItem(headers: [], invocationID: "1", item: raw))
        if hubProtocol == .json {
            let text = #"{"type":2,"invocationId":"1","item":{"invocation_id":7}}"#
            #expect(record == Array(text.utf8) + [0x1E])
        }
        let back = try transported(raw, by: hubProtocol)
        #expect(try back.decode(as: Renamed.self) == Renamed(invocationId: 7))
        #expect(try back.read() == ["invocation_id": 7])
    }

    @Test func `integers are taken from whole numbers only, and in range`() throws {
        #expect(try decode(2.0, as: Int.self) == 2)
        #expect(try decode(.float(2), as: UInt8.self) == 2)
        #expect(try decode(2, as: Double.self) == 2)
        #expect(try decode(.unsigned(.max), as: Float.self) == 18_446_744_073_709_551_616)
        #expect(try decode(0.1, as: Float.self) == 0.1)
        #expect(throws: BindingFailure.type) { try decode(2.5, as: Int.self) }
        #expect(throws: BindingFailure.type) { try decode(256, as: UInt8.self) }
        #expect(throws: BindingFailure.type) { try decode(-1, as: UInt.self) }
        #expect(throws: BindingFailure.type) { try decode(.unsigned(.max), as: Int.self) }
        #expect(throws: BindingFailure.type) { try decode(1e300, as: Int.self) }
        #expect(throws: BindingFailure.type) { try decode(1e300, as: Float.self) }
        #expect(throws: BindingFailure.type) { try decode(.double(.nan), as: Int.self) }
    }

    @Test func `null is taken by optionals only`() throws {
        #expect(try decode(nil, as: String?.self) == .some(nil))
        #expect(try decode(nil, as: Int?.self) == .some(nil))
        #expect(try decode(nil, as: [Int]?.self) == .some(nil))
        #expect(try decode([nil, 1], as: [Int?].self) == [nil, 1])
        #expect(throws: BindingFailure.type) { try decode(nil, as: String.self) }
        #expect(throws: BindingFailure.type) { try decode(nil, as: Int.self) }
        #expect(throws: BindingFailure.type) { try decode(nil, as: Bool.self) }
        #expect(throws: BindingFailure.type) { try decode(nil, as: [Int].self) }
        #expect(throws: BindingFailure.type) { try decode([nil], as: [Int].self) }
        #expect(throws: BindingFailure.type) { try decode(["id": nil], as: Part.self) }
    }

    @Test func `what is of another kind does not bind`() throws {
        for value in ["1", true, [1], ["a": 1], .binary([1])] as [HubValue] {
            #expect(throws: BindingFailure.type) { try decode(value, as: Int.self) }
            #expect(throws: BindingFailure.type) { try decode(value, as: Double.self) }
        }
        for value in [1, true, [1], ["a": 1], .binary([65])] as [HubValue] {
            #expect(throws: BindingFailure.type) { try decode(value, as: String.self) }
        }
        #expect(throws: BindingFailure.type) { try decode(1, as: Bool.self) }
        #expect(throws: BindingFailure.type) { try decode("AQI", as: Data.self) }
        #expect(throws: BindingFailure.type) { try decode("AQ ==", as: [UInt8].self) }
        #expect(throws: BindingFailure.type) { try decode("yesterday", as: Date.self) }
        #expect(throws: BindingFailure.type) { try decode(7, as: Date.self) }
        #expect(throws: BindingFailure.type) { try decode("medium", as: Level.self) }
        #expect(throws: BindingFailure.type) { try decode(["a": 1], as: [Int].self) }
        #expect(throws: BindingFailure.type) { try decode([1], as: Part.self) }
        #expect(throws: BindingFailure.type) { try decode("AQID", as: [Int].self) }
    }

    @Test func `an error says where it is`() throws {
        let value: HubValue = ["parts": [["id": 1], ["id": "x"]]]
        struct Parts: Decodable { let parts: [Part] }
        let error = #expect(throws: DecodingError.self) {
            try HubValueDecoder.decode(Parts.self, from: value)
        }
        guard case .typeMismatch(_, let context) = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["parts", "1", "id"])
    }

    @Test func `bytes are a list for those who want one, and other lists of bytes stay lists`()
        throws
    {
        #expect(try decode(.binary([1, 2]), as: ContiguousArray<UInt8>.self) == [1, 2])
        #expect(try decode(.binary([1, 2]), as: [Int].self) == [1, 2])
        #expect(try HubValueEncoder.encode([1, 2] as ContiguousArray<UInt8>) == [1, 2])
        #expect(try HubValueEncoder.encode(Data()) == .binary([]))
        #expect(try HubValueEncoder.encode([[1]] as [[UInt8]]) == [.binary([1])])
        #expect(try HubValueEncoder.encode(Optional(Data([1]))) == .binary([1]))
    }

    @Test func `a date holds its microseconds`() throws {
        for seconds in [-1e9 - 0.5, -0.000_001, 0, 1.25, 1_491_868_800.123_456] {
            let date = Date(timeIntervalSince1970: seconds)
            let raw = try RawValue(encoding: [date])
            for hubProtocol in HubProtocol.allCases {
                let back = try transported(raw, by: hubProtocol).decode(as: [Date].self)[0]
                #expect(abs(back.timeIntervalSince(date)) < 1e-6)
            }
        }
        let never = Date(timeIntervalSince1970: .infinity)
        #expect(throws: HubValueError.timestampOutOfRange) { try HubValueEncoder.encode(never) }
        #expect(throws: HubValueError.timestampOutOfRange) {
            try HubValueEncoder.encode(Date.distantFuture.addingTimeInterval(1e30))
        }
    }

    @Test func `what other types of Foundation make of themselves comes back`() throws {
        let id = UUID()
        #expect(try HubValueEncoder.encode(id) == .string(id.uuidString))
        #expect(try RawValue(encoding: id).decode(as: UUID.self) == id)
        let sets = ["a": Set([1, 2]), "b": []]
        #expect(try RawValue(encoding: sets).decode(as: [String: Set<Int>].self) == sets)
        #expect(try RawValue(encoding: [1: "x"]).decode(as: [Int: String].self) == [1: "x"])
    }

    @Test func `classes, enums with values and hand-made containers come back`() throws {
        let shapes: [Shape] = [.circle(radius: 2), .named("x"), .empty]
        #expect(
            try HubValueEncoder.encode(shapes)
                == [["circle": ["radius": 2.0]], ["named": ["_0": "x"]], ["empty": [:]]])
        #expect(try RawValue(encoding: shapes).decode(as: [Shape].self) == shapes)

        let dog = Dog(name: "Rex", age: 3)
        #expect(
            try HubValueEncoder.encode(dog)
                == .map([.init("age", 3), .init("super", ["name": "Rex"])]))
        let back = try RawValue(encoding: dog).decode(as: Dog.self)
        #expect(back.name == "Rex" && back.age == 3)

        let made = try HubValueEncoder.encode(HandMade())
        #expect(made == ["box": ["a": 1, "b": 2], "list": [1, [2], ["c": nil]]])
        #expect(try HubValueDecoder.decode(HandMade.self, from: made).seen == [1, 2, 1, 2])
    }

    /// E76: who asked for it is told, in words.
    @Test func `a type that refuses to be encoded is an error with its words`() {
        struct Refuses: Encodable {
            func encode(to encoder: any Encoder) throws {
                throw EncodingError.invalidValue(
                    1, EncodingError.Context(codingPath: [], debugDescription: "no way"))
            }
        }
        #expect(
            performing: { try RawValue(encoding: [Refuses()]) },
            throws: { error in
                guard case .notEncodable(let text) = error as? HubValueError else { return false }
                return text.contains("no way")
            })
    }

    @Test func `a map of many members is not scanned for each of them`() throws {
        let members = (0..<20_000).map { HubValue.Member("k\($0)", .integer(Int64($0))) }
        let decoded = try HubValueDecoder.decode([String: Int].self, from: .map(members))
        #expect(decoded.count == 20_000)
        #expect(decoded["k19999"] == 19_999)
    }

    private func decode<T: Decodable>(_ value: HubValue, as type: T.Type) throws -> T {
        try RawValue.value(value).decode(as: type)
    }
}

private enum Shape: Codable, Equatable { case circle(radius: Double), named(String), empty }

private class Animal: Codable {
    let name: String
    init(name: String) { self.name = name }
}

private final class Dog: Animal {
    let age: Int

    init(name: String, age: Int) {
        self.age = age
        super.init(name: name)
    }

    private enum Key: CodingKey { case age }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        age = try container.decode(Int.self, forKey: .age)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(age, forKey: .age)
        try super.encode(to: container.superEncoder())
    }
}

/// Uses nested containers, one of them in two turns.
private struct HandMade: Codable {
    enum Key: CodingKey { case box, list, a, b, c }
    var seen: [Int] = []

    init() {}

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var box = container.nestedContainer(keyedBy: Key.self, forKey: .box)
        try box.encode(1, forKey: .a)
        var list = container.nestedUnkeyedContainer(forKey: .list)
        try list.encode(1)
        var inner = list.nestedUnkeyedContainer()
        try inner.encode(2)
        var last = list.nestedContainer(keyedBy: Key.self)
        try last.encodeNil(forKey: .c)
        var boxAgain = container.nestedContainer(keyedBy: Key.self, forKey: .box)
        try boxAgain.encode(2, forKey: .b)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let box = try container.nestedContainer(keyedBy: Key.self, forKey: .box)
        seen = [try box.decode(Int.self, forKey: .a), try box.decode(Int.self, forKey: .b)]
        var list = try container.nestedUnkeyedContainer(forKey: .list)
        seen.append(try list.decode(Int.self))
        var inner = try list.nestedUnkeyedContainer()
        seen.append(try inner.decode(Int.self))
        let last = try list.nestedContainer(keyedBy: Key.self)
        guard try last.decodeNil(forKey: .c), list.isAtEnd, inner.isAtEnd else { seen = []; return }
    }
}

/// The value as the other side of a connection reads it.
private func transported(_ value: RawValue, by hubProtocol: HubProtocol) throws -> RawValue {
    let record = try hubProtocol.encode(
        .streamItem(headers: [], invocationID: "1", item: value))
    var framer = MessageFramer(recordByteCountMax: nil)
    framer.agreed(on: hubProtocol)
    var offset = 0
    let outcome = record.withUnsafeBytes { buffer in
        framer.next(in: buffer, from: &offset) { body in
            Result { try hubProtocol.decode(body) }
        }
    }
    guard case .record(let result) = outcome, case .streamItem(_, _, let item) = try result.get()
    else { throw HubProtocolError.missing(.item) }
    return item
}
