import Foundation
import Loop
import Testing
import TestSupport

@testable import Hub

/// RFC 8259, every rule from both sides.
@Suite("JSONScanner") struct JSONScannerTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "10", "1.5", "-1.25e+10", "1E-2", "\"\"", "[]", "{}",
        " [ 1 , 2 ] ", "{\"a\":{\"b\":[{}]}}", "\"\\ud83d\\ude00\"", "\"\u{7F}é€😀\"", "\t\r\n1",
    ])
    func `a valid text is stepped over to its end`(text: String) {
        #expect(check(text) == nil)
    }

    @Test(
        arguments: [
            ("", 0, .unexpectedEnd), ("nul", 3, .unexpectedEnd), ("nulL", 3, .unexpectedByte(0x4C)),
            ("01", 0, .invalidNumber), ("-", 1, .invalidNumber), ("1.", 2, .invalidNumber),
            ("1e", 2, .invalidNumber), (".5", 0, .unexpectedByte(0x2E)),
            ("+1", 0, .unexpectedByte(0x2B)), ("[1,]", 3, .unexpectedByte(0x5D)),
            ("[,1]", 1, .unexpectedByte(0x2C)), ("[1 2]", 3, .unexpectedByte(0x32)),
            ("{\"a\":1,}", 7, .unexpectedByte(0x7D)), ("{\"a\" 1}", 5, .unexpectedByte(0x31)),
            ("{a:1}", 1, .unexpectedByte(0x61)), ("{1:1}", 1, .expected(.string)),
            ("[1}", 2, .unexpectedByte(0x7D)), ("// c\n1", 0, .unexpectedByte(0x2F)),
            ("[1/*c*/]", 2, .unexpectedByte(0x2F)), ("\u{FEFF}1", 0, .byteOrderMark),
            ("\"a", 2, .unexpectedEnd), ("\"a\nb\"", 2, .controlCharacterInString),
            ("\"\\x\"", 1, .invalidEscape), ("\"\\u12G4\"", 5, .invalidEscape),
            ("\"\\ud800\"", 1, .unpairedSurrogate), ("\"\\ud800\\u0041\"", 1, .unpairedSurrogate),
            ("\"\\udc00\"", 1, .unpairedSurrogate), ("1 2", 2, .trailingBytes),
            ("NaN", 0, .unexpectedByte(0x4E)),
        ] as [(String, Int, JSONError.Reason)])
    func `an invalid text is refused at the offending byte`(
        text: String, offset: Int, reason: JSONError.Reason
    ) {
        #expect(check(text) == JSONError(offset: offset, reason: reason))
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xC2, 0x22], [0xFF],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused inside a string`(bytes: [UInt8]) {
        #expect(check([0x22] + bytes + [0x22, 0x22, 0x22])?.reason == .invalidUTF8)
    }

    @Test func `64 levels pass and 65 do not`() {
        let at = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let above = "[" + at + "]"
        let mixed =
            String(repeating: "{\"a\":[", count: 32) + "1" + String(repeating: "]}", count: 32)

        #expect(check(at) == nil)
        #expect(check(mixed) == nil)
        #expect(check(above) == JSONError(offset: 64, reason: .tooDeep))
    }

    @Test func `no prefix of an object is a whole value`() {
        let text = Array(#" {"a\n":[1.5e3,true,null,"é😀\ud83d\ude00"],"b":{"c":[]}}"#.utf8)

        for count in 0..<text.count {
            #expect(check(Array(text.prefix(count))) != nil, "prefix of \(count) bytes")
        }
        #expect(check(text) == nil)
    }

    @Test func `members are pulled in the order of the text`() throws {
        let value = try RawJSON(
            #"{"id":7,"name":"a\"b\u00e9\ud83d\ude00","tags":["x","y"],"on":true}"#)
        var seen: [String] = []

        try value.scan { (scanner) throws(JSONError) in
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                seen.append(scanner.text(of: key))
                switch try scanner.peekKind() {
                case .number: seen.append(String(try scanner.integer()))
                case .string:
                    let string = try scanner.string()
                    seen.append(scanner.text(of: string))
                case .array:
                    try scanner.beginArray()
                    while try scanner.nextElement() {
                        let string = try scanner.string()
                        seen.append(scanner.text(of: string))
                    }
                default: seen.append(String(try scanner.bool()))
                }
            }
            try scanner.end()
        }

        #expect(seen == ["id", "7", "name", "a\"bé😀", "tags", "x", "y", "on", "true"])
    }

    @Test(
        arguments: [
            ("9223372036854775807", Int64.max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("1.0", nil), ("1e2", nil), ("\"1\"", nil),
        ] as [(String, Int64?)])
    func `an integer is read only where it is one of 64 bits`(text: String, value: Int64?) throws {
        let json = try RawJSON(text)
        #expect((try? json.scan { (scanner) throws(JSONError) in try scanner.integer() }) == value)
    }

    @Test func `an escaped key matches its plain text`() throws {
        let value = try RawJSON(#"{"\u0074ype":1}"#)
        let isMatch = try value.scan { (scanner) throws(JSONError) -> Bool in
            try scanner.beginObject()
            guard let key = try scanner.nextKey() else { return false }
            return scanner.matches(key, "type") && !scanner.matches(key, "typ")
        }
        #expect(isMatch)
    }

    @Test(arguments: 0..<200)
    func `what Foundation writes is accepted, and what it refuses is refused`(seed: Int) throws {
        var generator = JSONGenerator(seed: UInt64(seed))
        let tree = generator.value(depth: 0)
        let bytes = Array(
            try JSONSerialization.data(withJSONObject: tree, options: [.fragmentsAllowed]))
        var damaged = bytes
        damaged[Int(generator.below(damaged.count))] = UInt8(generator.below(128))

        #expect(check(bytes) == nil)
        let foundationAccepts =
            (try? JSONSerialization.jsonObject(
                with: Data(damaged), options: [.fragmentsAllowed])) != nil
        // Foundation is the laxer of the two: what we accept it must accept.
        if check(damaged) == nil { #expect(foundationAccepts) }
    }

    @Test(arguments: 0..<200)
    func `Foundation reads back every string the writer wrote`(seed: Int) throws {
        var generator = JSONGenerator(seed: UInt64(1000 + seed))
        let text = generator.text()

        let json = RawJSON.string(text)

        let read = try JSONSerialization.jsonObject(
            with: Data(json.bytes), options: [.fragmentsAllowed])
        #expect(read as? String == text)
        let own = try json.scan { (scanner) throws(JSONError) -> String in
            let string = try scanner.string()
            return scanner.text(of: string)
        }
        #expect(own == text)
        #expect(!json.bytes.contains(0x1E))
    }

    private func check(_ text: String) -> JSONError? { check(Array(text.utf8)) }

    private func check(_ text: [UInt8]) -> JSONError? {
        let result = text.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(buffer)
                _ = try scanner.skipValue()
                try scanner.end()
            }
        }
        if case .failure(let error) = result { return error }
        return nil
    }
}

/// Random trees of values that Foundation can write.
struct JSONGenerator {
    private let random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }

    mutating func text() -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "Z", "\"", "\\", "/", "\n", "\u{0}", "\u{1E}", "\u{7F}", "é", "€", "😀", "\u{2028}",
            "<",
        ]
        var text = ""
        for _ in 0..<below(12) { text.unicodeScalars.append(alphabet[below(alphabet.count)]) }
        return text
    }

    mutating func value(depth: Int) -> Any {
        switch below(depth > 4 ? 5 : 7) {
        case 0: return NSNull()
        case 1: return below(2) == 0
        case 2: return below(1_000_000) - 500_000
        case 3: return Double(below(1_000_000)) / 1024
        case 4: return text()
        case 5: return (0..<below(5)).map { _ in value(depth: depth + 1) }
        default:
            var object: [String: Any] = [:]
            for _ in 0..<below(5) { object[text()] = value(depth: depth + 1) }
            return object
        }
    }
}
