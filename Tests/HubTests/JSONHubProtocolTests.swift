import Testing

@testable import Hub

/// The JSON encoding of the hub protocol: vectors of the reference, sizes, and every malformed record.
@Suite("JSONHubProtocol") struct JSONHubProtocolTests {
    private static let headers = [
        Header("Foo", "Bar"), Header("KeyWith\nNew\r\nLines", "Still Works"),
        Header("ValueWithNewLines", "Also\nWorks\r\nFine"),
    ]

    static let vectors: [(String, HubMessage)] = [
        (
            #"{"type":1,"invocationId":"123","target":"Target","arguments":[1,"Foo"]}"#,
            call("Target", ["1", "\"Foo\""], id: "123")
        ),
        (
            #"{"type":1,"target":"Target","arguments":[1,"Foo"]}"#,
            call("Target", ["1", "\"Foo\""])
        ),
        (#"{"type":1,"target":"Target","arguments":[true]}"#, call("Target", ["true"])),
        (#"{"type":1,"target":"Target","arguments":[null]}"#, call("Target", ["null"])),
        (
            #"{"type":1,"invocationId":"123","target":"Target","arguments":[1,"Foo"],"streamIds":["__test_id__"]}"#,
            call("Target", ["1", "\"Foo\""], id: "123", streams: ["__test_id__"])
        ),
        (
            #"{"type":1,"target":"Target","arguments":[],"streamIds":["__test_id__"]}"#,
            call("Target", [], streams: ["__test_id__"])
        ),
        (
            #"{"type":1,"headers":{"Foo":"Bar","KeyWith\nNew\r\nLines":"Still Works","ValueWithNewLines":"Also\nWorks\r\nFine"},"target":"Target","arguments":[]}"#,
            call("Target", [], headers: headers)
        ),
        (#"{"type":2,"invocationId":"123","item":1}"#, item("1")),
        (#"{"type":2,"invocationId":"123","item":"Foo"}"#, item("\"Foo\"")),
        (#"{"type":2,"invocationId":"123","item":true}"#, item("true")),
        (#"{"type":2,"invocationId":"123","item":null}"#, item("null")),
        (#"{"type":3,"invocationId":"123","result":1}"#, done("123", .result(json("1")))),
        (#"{"type":3,"invocationId":"123","result":null}"#, done("123", .result(.null))),
        (#"{"type":3,"invocationId":"123","error":"Whoops!"}"#, done("123", .error("Whoops!"))),
        (#"{"type":3,"invocationId":"123"}"#, done("123", .void)),
        (
            #"{"type":4,"invocationId":"123","target":"Target","arguments":[1,"Foo"]}"#,
            stream("Target", ["1", "\"Foo\""], id: "123")
        ),
        (#"{"type":5,"invocationId":"123"}"#, .cancelInvocation(headers: [], invocationID: "123")),
        (#"{"type":6}"#, .ping),
        (#"{"type":7}"#, .close(CloseMessage())),
        (#"{"type":7,"error":""}"#, .close(CloseMessage(error: ""))),
        (#"{"type":7,"error":"Error!"}"#, .close(CloseMessage(error: "Error!"))),
        (#"{"type":7,"allowReconnect":true}"#, .close(CloseMessage(allowReconnect: true))),
        (
            #"{"type":7,"error":"Error!","allowReconnect":true}"#,
            .close(CloseMessage(error: "Error!", allowReconnect: true))
        ),
        (#"{"type":8,"sequenceId":1}"#, .ack(sequenceID: 1)),
        (#"{"type":9,"sequenceId":123}"#, .sequence(sequenceID: 123)),
    ]

    /// J01: every line of the reference, both ways.
    @Test(arguments: vectors.indices)
    func `each vector decodes to its message and encodes to its bytes`(index: Int) throws {
        let (text, message) = Self.vectors[index]

        #expect(try decode(text) == message)
        #expect(try HubProtocol.json.encode(message) == Array(text.utf8) + [0x1E])
    }

    /// J39.
    @Test(
        arguments: [
            (call("Target", ["1"]), 45), (call("Target", ["1"], id: "1"), 64),
            (call("Target", ["1"], id: "1", streams: ["2"]), 82),
            (stream("target", [], id: "1"), 63),
            (stream("target", [], id: "1", streams: ["2"]), 81),
            (.streamItem(headers: [], invocationID: "1", item: .null), 42),
            (.streamItem(headers: [], invocationID: "1", item: json("1")), 39),
            (done("1", .void), 30), (done("1", .result(json("1"))), 41),
            (done("1", .error("12345")), 46),
            (.cancelInvocation(headers: [], invocationID: "1"), 30), (.ping, 11),
            (.close(CloseMessage()), 11), (.close(CloseMessage(error: "12345")), 27),
        ] as [(HubMessage, Int)])
    func `sizes with the separator are those of the reference`(
        message: HubMessage, size: Int
    ) throws {
        #expect(try HubProtocol.json.encode(message).count == size)
    }

    /// J02, J27.
    @Test func `fields may come in any order`() throws {
        #expect(
            try decode(#"{"arguments":[1,"Foo"],"type":1,"target":"Target"}"#)
                == call("Target", ["1", "\"Foo\""]))
        #expect(try decode(#"{"item":1,"invocationId":"123","type":2}"#) == item("1"))
        #expect(
            try decode(#"{"result":1,"invocationId":"123","type":3}"#)
                == done("123", .result(json("1"))))
        #expect(
            try decode(#"{"type":1,"target":"T","arguments":[],"headers":{"Foo":"Bar"}}"#)
                == call("T", [], headers: [Header("Foo", "Bar")]))
    }

    /// J09..J23, J34, J38, J44.
    @Test(arguments: [
        "", "null", "\"foo\"", "[42]", "42", "true", "{", "{\"type\":6", "{}", #"{"type":"1"}"#,
        #"{"type":null}"#, #"{"type":1.5}"#, "{\"type\":6,}", "\u{FEFF}{\"type\":6}",
        "/**/{\"type\":6}",
        #"{"type":1,"headers":{"Foo":42},"target":"t","arguments":[]}"#,
        #"{"type":1,"headers":[],"target":"t","arguments":[]}"#,
        #"{"type":1}"#, #"{"type":1,"target":"t"}"#, #"{"type":1,"arguments":[]}"#,
        #"{"type":1,"target":"","arguments":[]}"#,
        #"{"type":1,"invocationId":42,"target":"t","arguments":[]}"#,
        #"{"type":1,"invocationId":null,"target":"t","arguments":[]}"#,
        #"{"type":1,"target":42,"arguments":[]}"#, #"{"type":1,"target":"t","arguments":{}}"#,
        #"{"type":2}"#, #"{"type":2,"invocationId":42,"item":1}"#,
        #"{"type":2,"invocationId":"1"}"#,
        #"{"type":2,"item":1}"#, #"{"type":3}"#, #"{"type":3,"invocationId":"1","error":[]}"#,
        #"{"type":3,"invocationId":"","result":1}"#,
        #"{"type":3,"invocationId":"1","error":"e","result":1}"#,
        #"{"type":3,"invocationId":"1","error":"e","result":null}"#,
        #"{"type":4}"#, #"{"type":4,"target":"t","arguments":[]}"#,
        #"{"type":4,"invocationId":"1","target":"t"}"#,
        #"{"type":4,"invocationId":"","target":"t","arguments":[]}"#,
        #"{"type":5}"#, #"{"type":5,"invocationId":42}"#,
        #"{"type":1,"target":"t","arguments":[],"streamIds":{}}"#,
        #"{"type":1,"target":"t","arguments":[],"streamIds":[null]}"#,
        #"{"type":1,"target":"t","arguments":[],"streamIds":[1]}"#,
        #"{"type":7,"error":1}"#, #"{"type":7,"allowReconnect":"true"}"#,
        #"{"type":8}"#, #"{"type":8,"sequenceId":"a"}"#, #"{"type":9}"#,
        #"{"type":9,"sequenceId":1.5}"#,
        #"{"type":1,"target":"t","arguments":[{"a":}]}"#,
        #"{"type":1,"target":"t","arguments":[tru]}"#,
        #"{"type":6,"x":[1,]}"#,
    ])
    func `a malformed record is fatal`(text: String) {
        #expect(throws: HubProtocolError.self) { try decode(text) }
    }

    /// J37.
    @Test func `nesting of 64 levels decodes and 65 is fatal`() throws {
        // The record and the arguments are two of the levels.
        func record(_ levels: Int) -> String {
            let value =
                String(repeating: "[", count: levels - 2)
                + String(repeating: "]", count: levels - 2)
            return #"{"type":1,"target":"t","arguments":["# + value + "]}"
        }

        #expect(try decode(record(64)) != nil)
        #expect(throws: HubProtocolError.self) { try decode(record(65)) }
    }

    /// J31.
    @Test(arguments: ["{\"type\":42}", #"{"target":1,"arguments":"x","type":0}"#, "{\"type\":-1}"])
    func `an unknown type is skipped whatever its fields are`(text: String) throws {
        #expect(try decode(text) == nil)
    }

    /// J29.
    @Test func `unknown members are skipped`() throws {
        let text = #"{"x":{"y":[1,{"z":null}]},"type":6,"Type":1,"e":[[],{}]}"#
        #expect(try decode(text) == .ping)
    }

    @Test func `a ping is known by its bytes alone, and nothing else is`() throws {
        let ping = try HubProtocol.json.encode(.ping)
        #expect(ping == HubProtocol.json.ping)
        func isPing(_ bytes: some Sequence<UInt8>) -> Bool {
            Array(bytes).withUnsafeBytes { HubProtocol.json.isPing($0) }
        }
        #expect(isPing(ping))
        #expect(!isPing(ping + ping))
        for position in ping.indices {
            #expect(!isPing(ping[..<position]))
            var changed = ping
            changed[position] ^= 1
            #expect(!isPing(changed))
        }
    }

    /// J30.
    @Test func `what follows the closing brace is not looked at`() throws {
        let text = #"{"type":1,"target":"x","arguments":[1,{"a":1}]},"invocationId":"9"}"#
        #expect(try decode(text) == call("x", ["1", #"{"a":1}"#]))
    }

    /// J42.
    @Test func `the last of a repeated field wins`() throws {
        let text = #"{"type":3,"invocationId":"1","result":null,"result":7}"#
        #expect(try decode(text) == done("1", .result(json("7"))))
    }

    /// J43.
    @Test func `an empty invocation id means none`() throws {
        let text = #"{"type":1,"invocationId":"","target":"t","arguments":[]}"#
        #expect(try decode(text) == call("t", []))
    }

    /// J40.
    @Test func `a close that does not allow reconnect is a plain close`() throws {
        #expect(
            try decode(#"{"type":7,"allowReconnect":false,"x":1}"#) == .close(CloseMessage()))
    }

    /// J06.
    @Test func `text outside ASCII and markup is written raw`() throws {
        let message = call("é<>&'\"\\\u{1F}", [])
        #expect(
            try HubProtocol.json.encode(message)
                == Array(
                    "{\"type\":1,\"target\":\"é<>&'\\\"\\\\\\u001F\",\"arguments\":[]}\u{1E}".utf8))
    }

    /// J02.
    @Test func `headers may stand anywhere`() throws {
        let fields = [
            #""type":1"#, #""headers":{"Foo":"Bar"}"#, #""target":"T""#, #""arguments":[1]"#,
        ]
        for order in [[0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]] {
            let text = "{" + order.map { fields[$0] }.joined(separator: ",") + "}"
            #expect(try decode(text) == call("T", ["1"], headers: [Header("Foo", "Bar")]))
        }
    }

    /// J24..J26, J28: what a method may not like is no business of the record's.
    @Test func `arguments of any number and type decode, in front of the target as well`() throws {
        #expect(try decode(#"{"arguments":[],"type":1,"target":"T"}"#) == call("T", []))
        #expect(
            try decode(#"{"arguments":["a",{}],"invocationId":"1","target":"T","type":1}"#)
                == call("T", ["\"a\"", "{}"], id: "1"))
    }

    /// J03..J05, J07, J08: values keep their text; what a type makes of it is said elsewhere.
    @Test(arguments: [
        "2.0", "1e3", #""2016-05-10T13:51:20+12:34""#, #""AQID""#, #"{"A":1,"a":null}"#, "[[1], 2]",
    ])
    func `a value is passed on as it was written`(value: String) throws {
        let text = #"{"type":2,"invocationId":"123","item":\#(value)}"#
        #expect(try decode(text) == item(value))
        #expect(try HubProtocol.json.encode(item(value)) == Array(text.utf8) + [0x1E])
    }

    /// J32: the framer waits, and no part of a record is one.
    @Test(arguments: vectors.indices)
    func `no prefix of a vector is a message`(index: Int) {
        let text = Array(Self.vectors[index].0.utf8)
        for count in 0..<text.count {
            let prefix = String(decoding: text.prefix(count), as: UTF8.self)
            #expect(throws: HubProtocolError.self) { try decode(prefix) }
        }
    }

    /// J32, J33: every vector, cut at every point.
    @Test func `any split of all vectors gives the same messages in order`() throws {
        let stream: [UInt8] = Self.vectors.flatMap { vector -> [UInt8] in
            Array(vector.0.utf8) + [0x1E]
        }
        let messages = Self.vectors.map(\.1)
        for split in 0...stream.count {
            var framer = MessageFramer(recordByteCountMax: 4096)
            var seen = read(&framer, stream[..<split])
            seen += read(&framer, stream[split...])
            #expect(seen == messages, "split at \(split)")
        }
        var framer = MessageFramer(recordByteCountMax: 4096)
        #expect(stream.indices.flatMap { read(&framer, stream[$0...$0]) } == messages)
    }

    /// The places of the first eight are kept while reading; nine are read twice.
    @Test(arguments: [0, 1, 7, 8, 9, 40])
    func `any number of arguments keep their own text`(count: Int) throws {
        let arguments = (0..<count).map { " [\($0), {\"a\":\"]\"}]" }
        let text =
            #"{"type":1,"target":"T","arguments":["# + arguments.joined(separator: " ,") + " ]}"
        #expect(try decode(text) == call("T", arguments.map { String($0.dropFirst()) }))
        let twice = #"{"arguments":[1,2,3,4,5,6,7,8,9],"# + text.dropFirst()
        #expect(try decode(twice) == decode(text))
    }

    /// J27: an escaped name is the name.
    @Test func `names may be written with escapes`() throws {
        let text = #"{"\u0074ype":1,"t\u0061rget":"T","argument\u0073":[1],"\u0078":2}"#
        #expect(try decode(text) == call("T", ["1"]))
    }

    private func read(_ framer: inout MessageFramer, _ chunk: ArraySlice<UInt8>) -> [HubMessage] {
        var seen: [HubMessage] = []
        var offset = 0
        while true {
            let outcome = chunk.withUnsafeBytes { buffer in
                framer.next(in: buffer, from: &offset) { try? HubProtocol.json.decode($0) }
            }
            guard case .record(let message) = outcome else { return seen }
            if let message { seen.append(message) }
        }
    }
}

func decode(_ text: String) throws(HubProtocolError) -> HubMessage? {
    let result = Array(text.utf8).withUnsafeBytes { buffer in
        Result { () throws(HubProtocolError) in try HubProtocol.json.decode(buffer) }
    }
    return try result.get()
}

/// A value the test vouches for.
func json(_ text: String) -> RawValue { .json(RawJSON(checked: Array(text.utf8)[...])) }

private func call(
    _ target: String, _ arguments: [String], id: String? = nil, headers: [Header] = [],
    streams: [String] = []
) -> HubMessage {
    .invocation(
        Invocation(
            target: target, arguments: arguments.map(json), invocationID: id, headers: headers,
            streamIDs: streams))
}

private func stream(
    _ target: String, _ arguments: [String], id: String, streams: [String] = []
) -> HubMessage {
    .streamInvocation(
        Invocation(
            target: target, arguments: arguments.map(json), invocationID: id, streamIDs: streams))
}

private func item(_ text: String) -> HubMessage {
    .streamItem(headers: [], invocationID: "123", item: json(text))
}

private func done(_ id: String, _ outcome: Completion.Outcome) -> HubMessage {
    .completion(Completion(invocationID: id, outcome: outcome))
}
