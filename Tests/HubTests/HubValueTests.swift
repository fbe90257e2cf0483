import Foundation
import Testing
import TestSupport

@testable import Hub

/// A value in both formats, and from one into the other.
@Suite("HubValue") struct HubValueTests {
    /// J03, J05, J06, J08; M16.
    @Test(
        arguments: [
            (nil, "null", "C0"), (true, "true", "C3"), (false, "false", "C2"), (0, "0", "00"),
            (-33, "-33", "D0DF"), (.integer(.max), "9223372036854775807", "CF7FFFFFFFFFFFFFFF"),
            (.integer(.min), "-9223372036854775808", "D38000000000000000"),
            (.unsigned(.max), "18446744073709551615", "CFFFFFFFFFFFFFFFFF"),
            (2.0, "2", "CB4000000000000000"), (.double(-0.0), "-0", "CB8000000000000000"),
            (1.5, "1.5", "CB3FF8000000000000"), (1e300, "1e+300", "CB7E37E43C8800759C"),
            (0.1, "0.1", "CB3FB999999999999A"), (.float(42), "42", "CA42280000"),
            (.float(0.1), "0.1", "CA3DCCCCCD"), ("", "\"\"", "A0"),
            (
                "é<>&'\"\\\u{1E}😀", #""é<>&'\"\\\u001E😀""#,
                "ADC3A93C3E2627225C1EF09F9880"
            ),
            (.binary([1, 2, 3]), "\"AQID\"", "C403010203"), (.binary([]), "\"\"", "C400"),
            (.binary([0xFB, 0xFF]), "\"+/8=\"", "C402FBFF"),
            (.binary([0xFF]), "\"/w==\"", "C401FF"),
            (
                .timestamp(HubTimestamp(seconds: 1_491_868_800)), "\"2017-04-11T00:00:00Z\"",
                "D6FF58EC1C80"
            ),
            ([], "[]", "90"), ([1, [nil]], "[1,[null]]", "920191C0"),
            (.map([]), "{}", "80"),
            (["a": 1, "b": ["c": nil]], #"{"a":1,"b":{"c":null}}"#, "82A16101A16281A163C0"),
        ] as [(HubValue, String, String)])
    func `a value is written in both formats`(value: HubValue, text: String, hex: String) throws {
        #expect(try json(.value(value)) == text)
        #expect(try messagePack(.value(value)) == bytes(hex))
        #expect(try messagePack(read: bytes(hex)) == value)
    }

    @Test(
        arguments: [
            ("null", nil), (" true", true), ("7", 7), ("-7", -7), ("-0", .double(-0.0)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .unsigned(1 << 63)),
            ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("-9223372036854775809", -9_223_372_036_854_775_809.0), ("2.0", 2.0), ("1e3", 1000.0),
            ("1.25E-2", 0.0125), ("123456789012345678901234567890", 1.2345678901234568e29),
            ("1e-400", 0.0), ("0.1", 0.1),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
            ("4.9406564584124654e-324", .double(.leastNonzeroMagnitude)),
            ("\"a\\u00e9\\n\"", "aé\n"), ("[]", []), ("[1,[2]]", [1, [2]]),
            (#"{"a":{"b":[]},"a":1}"#, .map([.init("a", ["b": []]), .init("a", 1)])),
        ] as [(String, HubValue)])
    func `a JSON text is read`(text: String, value: HubValue) throws {
        #expect(try RawValue.json(RawJSON(text)).read() == value)
    }

    /// Digits of every length against the standard library.
    @Test func `numbers read as the standard library reads them`() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let digits = Int.random(in: 1...25, using: &random)
            var text = Bool.random(using: &random) ? "-" : ""
            text += "\(Int.random(in: 1...9, using: &random))"
            for _ in 1..<digits { text += "\(Int.random(in: 0...9, using: &random))" }
            if Bool.random(using: &random) {
                text += ".\(UInt32.random(in: 0...99999, using: &random))"
            }
            text += "e\(Int.random(in: -40...40, using: &random))"
            #expect(try RawValue.json(RawJSON(text)).read() == .double(#require(Double(text))))
        }
    }

    @Test(arguments: ["1e400", "-1e999", "1e999999999999"])
    func `a JSON number out of range is an error where it is read`(text: String) throws {
        let value = RawValue.json(try RawJSON(text))
        #expect(
            throws: HubValueError.json(JSONError(offset: 0, reason: .numberOutOfRange))
        ) { try value.read() }
        #expect(try json(value) == text)
        #expect(throws: HubValueError.self) { try messagePack(value) }
    }

    @Test func `what JSON cannot say is an error, and MessagePack says it`() throws {
        for number in [
            HubValue.double(.nan), .double(.infinity), .float(-.infinity), [.float(.nan)],
        ] {
            #expect(throws: HubValueError.notFinite) { try json(.value(number)) }
            #expect(try messagePack(.value(number)).count > 4)
        }
        let moment = HubValue.timestamp(HubTimestamp(seconds: 253_402_300_800))
        #expect(throws: HubValueError.timestampOutOfRange) { try json(.value(moment)) }
        #expect(try messagePack(.value(moment)) == bytes("C70CFF000000000000003AFFF44180"))
    }

    @Test(
        arguments: [
            ("8101C0", .keyIsNotText), ("81C0C0", .keyIsNotText),
            ("D40500", .unknownExtension(type: 5)),
            ("C7FE", nil), ("C70005", .unknownExtension(type: 5)),
            ("D5FF0000", .malformedTimestamp),
            ("D7FFFFFFFFFF00000000", .malformedTimestamp),
            ("C70CFF3B9ACA000000000000000000", .malformedTimestamp),
            ("C700FF", .malformedTimestamp),
        ] as [(String, MessagePackError.Reason?)])
    func `MessagePack that no value is cannot become JSON, and passes through as it is`(
        hex: String, reason: MessagePackError.Reason?
    ) throws {
        guard let raw = try? RawMessagePack(bytes(hex)) else { return #expect(reason == nil) }
        let error = try #require(
            #expect(throws: HubValueError.self) { try json(.messagePack(raw)) })
        guard case .messagePack(let found) = error else { throw error }
        #expect(found.reason == reason)
        #expect(try messagePack(.messagePack(raw)) == bytes(hex))
    }

    /// M16.
    @Test(
        arguments: [
            ("D6FF00000000", 0, 0), ("D6FFFFFFFFFF", 4_294_967_295, 0),
            ("D7FF0000000100000000", 4_294_967_296, 0), ("D7FF0000000400000000", 0, 1),
            ("D7FF0000000400000001", 1, 1), ("D7FFEE6B27FC00000000", 0, 999_999_999),
            ("C70CFF00000000FFFFFFFFFFFFFFFF", -1, 0),
            ("C70CFF3B9AC9FF7FFFFFFFFFFFFFFF", Int64.max, 999_999_999),
            ("C70CFF000000000000000400000000", 17_179_869_184, 0),
        ] as [(String, Int64, UInt32)])
    func `timestamps are read in three widths and written in the shortest`(
        hex: String, seconds: Int64, nanoseconds: UInt32
    ) throws {
        let moment = HubTimestamp(seconds: seconds, nanoseconds: nanoseconds)
        #expect(try messagePack(read: bytes(hex)) == .timestamp(moment))
        #expect(try messagePack(.value(.timestamp(moment))) == bytes(hex))
    }

    @Test func `a wider timestamp than needed is read`() throws {
        let moment = HubValue.timestamp(HubTimestamp(seconds: 1))
        #expect(try messagePack(read: bytes("D7FF0000000000000001")) == moment)
        #expect(try messagePack(read: bytes("C70CFF000000000000000000000001")) == moment)
        #expect(try messagePack(read: bytes("C80004FF00000001")) == moment)
    }

    @Test func `62 levels are written and 63 are not`() throws {
        func nested(_ levels: Int) -> HubValue {
            (1...levels).reduce(nil as HubValue) { value, _ in [value] }
        }
        #expect(try json(.value(nested(62))).utf8.count == 128)
        #expect(try messagePack(.value(nested(62))).count == 63)
        #expect(throws: HubValueError.tooDeep) { try json(.value(nested(63))) }
        #expect(throws: HubValueError.tooDeep) { try messagePack(.value(nested(63))) }
        let inMaps = (1...63).reduce(nil as HubValue) { value, _ in ["a": value] }
        #expect(throws: HubValueError.tooDeep) { try json(.value(inMaps)) }
        #expect(throws: HubValueError.tooDeep) { try messagePack(.value(inMaps)) }
    }

    @Test func `a number has one form`() {
        #expect(HubValue(7 as UInt64) == .integer(7))
        #expect(HubValue(UInt64(Int64.max)) == .integer(.max))
        #expect(HubValue(UInt64(Int64.max) + 1) == .unsigned(1 << 63))
    }

    @Test func `the last of two members with one name counts`() {
        let value: HubValue = .map([.init("a", 1), .init("a", 2)])
        #expect(value["a"] == 2)
        #expect(value["b"] == nil)
        #expect((7 as HubValue)["a"] == nil)
    }

    // MARK: Random values

    @Test(arguments: 0..<8)
    func `a random value comes back from MessagePack, and its JSON from JSON and MessagePack`(
        seed: Int
    ) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1)
        for _ in 0..<400 {
            let value = randomValue(depth: 0, using: &random)
            let packed = try messagePack(.value(value))
            #expect(try messagePack(read: packed) == value)
            #expect(packed.count <= value.byteCountEstimate, "the estimate saves no allocation")

            let text = try json(.value(value))
            #expect(
                (try? JSONSerialization.jsonObject(
                    with: Data(text.utf8), options: .fragmentsAllowed)) != nil)
            // What was a float is a double from here on, which has another text for some numbers.
            let normal = try json(.value(RawValue.json(RawJSON(text)).read()))
            let again = RawValue.json(try RawJSON(normal))
            #expect(try json(.value(again.read())) == normal)
            // Through the other format and back.
            let transcoded = RawValue.messagePack(try RawMessagePack(messagePack(again)))
            #expect(try json(transcoded) == normal)
        }
    }
}

/// Every kind; strings with every kind of character; doubles of any bits.
func randomValue(depth: Int, using random: inout SeededGenerator) -> HubValue {
    switch Int.random(in: 0..<(depth < 4 ? 13 : 10), using: &random) {
    case 0: return nil
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(.random(in: -200...70_000, using: &random))
    case 3: return .integer(Int64(bitPattern: random.next()))
    case 4: return HubValue(random.next() | 1 << 63)
    case 5: return .double(finite(Double(bitPattern: random.next())))
    case 6: return .float(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())).finiteOrZero)
    case 7: return .string(randomText(using: &random))
    case 8:
        let count = Int.random(in: 0...40, using: &random)
        return .binary((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    case 9:
        return .timestamp(
            HubTimestamp(
                seconds: .random(in: HubTimestamp.writableSeconds, using: &random),
                nanoseconds: .random(in: 0...HubTimestamp.nanosecondsMax, using: &random)))
    case 10, 11:
        let count = Int.random(in: 0...(depth == 0 ? 40 : 5), using: &random)
        return .array((0..<count).map { _ in randomValue(depth: depth + 1, using: &random) })
    default:
        let count = Int.random(in: 0...(depth == 0 ? 40 : 5), using: &random)
        return .map(
            (0..<count).map { index in
                HubValue.Member(
                    "\(index)" + randomText(using: &random),
                    randomValue(depth: depth + 1, using: &random))
            })
    }
}

private func finite(_ value: Double) -> Double { value.isFinite ? value : 0.5 }

extension Float {
    fileprivate var finiteOrZero: Float { isFinite ? self : 0 }
}

private func randomText(using random: inout SeededGenerator) -> String {
    let alphabet: [Unicode.Scalar] = [
        "a", "b", " ", "\"", "\\", "/", "\u{0}", "\u{1E}", "\n", "\u{7F}", "é", "\u{7FF}", "€",
        "\u{FFFF}", "😀", "\u{10FFFF}",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...40, using: &random) {
        text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
    }
    return text
}

private func json(_ value: RawValue) throws(HubValueError) -> String {
    var writer = JSONWriter()
    try writer.append(value)
    return String(decoding: writer.bytes, as: UTF8.self)
}

private func messagePack(_ value: RawValue) throws(HubValueError) -> [UInt8] {
    var writer = MessagePackWriter()
    try writer.append(value)
    return writer.bytes
}

private func messagePack(read bytes: [UInt8]) throws -> HubValue {
    try RawValue.messagePack(RawMessagePack(bytes)).read()
}
