import Testing

@testable import Hub

/// Arguments as methods ask for them, in every format that they may have come in.
@Suite("HubArguments") struct HubArgumentsTests {
    static let values: [HubValue] = [
        "text", nil, 7, 7.0, 2.5, true, [1, 2], ["id": 3], .float(0.5),
    ]

    private static func arguments(_ format: Int) throws -> HubArguments {
        HubArguments(
            try values.map { value in
                switch format {
                case 0:
                    var writer = JSONWriter()
                    try writer.value(value)
                    return .json(RawJSON(writer))
                case 1: return MessagePackVectors.raw(value)
                default: return .value(value)
                }
            })
    }

    @Test(arguments: 0..<3)
    func `each format gives the same`(format: Int) throws {
        struct Part: Decodable { let id: Int }
        let arguments = try Self.arguments(format)

        #expect(try arguments.string(0) == "text")
        #expect(try arguments.optionalString(0) == "text")
        #expect(try arguments.optionalString(1) == nil)
        #expect(try arguments.integer(2) == 7)
        #expect(try arguments.integer(3) == 7)
        #expect(try arguments.double(2) == 7)
        #expect(try arguments.double(4) == 2.5)
        #expect(try arguments.double(8) == 0.5)
        #expect(try arguments.bool(5))
        #expect(try arguments.decode(0) == "text")
        #expect(try arguments.decode(0) == Optional("text"))
        #expect(try arguments.decode(1, as: String?.self) == nil)
        #expect(try arguments.decode(1, as: Int?.self) == nil)
        #expect(try arguments.decode(2) == 7)
        #expect(try arguments.decode(2) == Optional(7))
        #expect(try arguments.decode(2, as: Int8.self) == 7)
        #expect(try arguments.decode(4) == 2.5)
        #expect(try arguments.decode(5) == true)
        #expect(try arguments.decode(6) == [1, 2])
        #expect(try arguments.decode(7, as: Part.self).id == 3)
    }

    /// J25.
    @Test(arguments: 0..<3)
    func `a wrong type is a binding failure in each format`(format: Int) throws {
        let arguments = try Self.arguments(format)
        #expect(throws: BindingFailure.type) { try arguments.string(1) }
        #expect(throws: BindingFailure.type) { try arguments.string(2) }
        #expect(throws: BindingFailure.type) { try arguments.optionalString(2) }
        #expect(throws: BindingFailure.type) { try arguments.integer(0) }
        #expect(throws: BindingFailure.type) { try arguments.integer(1) }
        #expect(throws: BindingFailure.type) { try arguments.integer(4) }
        #expect(throws: BindingFailure.type) { try arguments.bool(2) }
        #expect(throws: BindingFailure.type) { try arguments.double(0) }
        #expect(throws: BindingFailure.type) { try arguments.decode(0, as: Int.self) }
        #expect(throws: BindingFailure.type) { try arguments.decode(2, as: String.self) }
        #expect(throws: BindingFailure.type) { try arguments.decode(7, as: [Int].self) }
    }

    @Test func `simple types are written without a detour`() throws {
        #expect(try RawValue(encoding: "x") == .value("x"))
        #expect(try RawValue(encoding: 7) == .value(7))
        #expect(try RawValue(encoding: true) == .value(true))
        #expect(try RawValue(encoding: 2.5) == .value(2.5))
        #expect(try RawValue(encoding: [1, 2] as [UInt8]) == .value(.binary([1, 2])))
        #expect(try RawValue(encoding: Optional("x")) == .value("x"))
        #expect(try RawValue(encoding: String?.none) == .value(nil))
        #expect(try RawValue(encoding: 7 as UInt8) == .value(7))
        #expect(try RawValue(encoding: ["a": nil] as HubValue) == .value(["a": nil]))
    }
}
