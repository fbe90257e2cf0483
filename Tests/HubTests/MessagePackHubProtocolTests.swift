import Testing

@testable import Hub

/// The MessagePack encoding of the hub protocol: vectors of the reference, sizes, and every malformed
/// body.
@Suite("MessagePackHubProtocol") struct MessagePackHubProtocolTests {
    /// M01, MV01..MV46.
    @Test(arguments: MessagePackVectors.all)
    func `each vector decodes to its message and encodes to its bytes`(
        vector: MessagePackVectors.Vector
    ) throws {
        let framed = [UInt8(vector.body.count)] + vector.body

        #expect(try decode(vector.body) == vector.message, "\(vector.id)")
        if vector.body.count < 128 {
            #expect(try HubProtocol.messagePack.encode(vector.message) == framed, "\(vector.id)")
        } else {
            let encoded = try HubProtocol.messagePack.encode(vector.message)
            #expect(Array(encoded.dropFirst(2)) == vector.body, "\(vector.id)")
        }
    }

    @Test func `there are 46 vectors`() {
        #expect(
            Set(MessagePackVectors.all.map(\.id))
                == Set((1...46).map { $0 < 10 ? "MV0\($0)" : "MV\($0)" }))
    }

    /// M05, M14 for the empty one: a body that ends too early is never a message.
    @Test(arguments: MessagePackVectors.all)
    func `no prefix of a vector is a message`(vector: MessagePackVectors.Vector) {
        for count in 0..<vector.body.count {
            #expect(throws: HubProtocolError.self, "\(vector.id), \(count) bytes") {
                try decode(Array(vector.body.prefix(count)))
            }
        }
    }

    /// M15.
    @Test(
        arguments: [
            (call([1]), 15), (call([1], id: "1"), 16), (call([1], id: "1", streams: ["2"]), 18),
            (stream([], id: "1"), 15), (stream([], id: "1", streams: ["2"]), 17),
            (.streamItem(headers: [], invocationID: "1", item: MessagePackVectors.raw(1)), 7),
            (done("1", .void), 7), (done("1", .result(MessagePackVectors.raw(1))), 8),
            (done("1", .error("12345")), 13),
            (.cancelInvocation(headers: [], invocationID: "1"), 6), (.ping, 3),
            (.close(CloseMessage()), 5), (.close(CloseMessage(error: "12345")), 10),
        ] as [(HubMessage, Int)])
    func `sizes with the length are those of the reference`(
        message: HubMessage, size: Int
    ) throws {
        #expect(try HubProtocol.messagePack.encode(message).count == size)
    }

    /// M05, every line of the reference; M19 and M21 are among them.
    @Test(
        arguments: [
            "", "91A3666F6F", "9201A3666F6F", "9201822AA3666F6F", "920180", "910180C2", "930180C2",
            "930180A3616263", "940180A36162632A", "940180A3616263A0",
            "960180A3616263A15491A091A0", "920280", "930280A0", "930280C2", "920380", "930380A0",
            "930380C2", "940380A378797AA378797A", "940380A378797A01", "950380A378797A012A",
            "940380A378797A2A", "920480", "930480A0", "940480A3616263A0", "920580", "930580A0",
            "9108", "9208C0", "9109", "9209C0",
            // Not an array, or no item; a type that no integer holds.
            "C0", "2A", "A3666F6F", "80", "90", "91CFFFFFFFFFFFFFFFFF", "91CA3F800000",
            // Ids that are nil where there must be one, and a result that is missing.
            "940280C02A", "940380C002", "930580C0", "960480C0A1549090", "940380A378797A03",
            // An error that is nil, an allowReconnect that is none, a Close without anything.
            "950380A378797A01C0", "9307C0C0", "9307C001", "9107", "93072AC2",
            // Stream ids that are nil or of another kind.
            "960180C0A15490C0", "960180C0A154909101",
        ] as [String])
    func `a malformed body is fatal`(hex: String) {
        #expect(throws: HubProtocolError.self) { try decode(bytes(hex)) }
    }

    /// M09.
    @Test(arguments: [
        "930581A0A178A131", "930581A178A0A131", "9305C0A131", "930590A131", "93058178A178A131",
        "930581A17801A131",
    ])
    func `headers that are no map of names to values are fatal`(hex: String) {
        #expect(throws: HubProtocolError.self) { try decode(bytes(hex)) }
    }

    /// M03, M04, M20.
    @Test func `fewer and more items than are written today are accepted`() throws {
        let call = MessagePackVectors.call([], id: "xyz")
        #expect(try decode(bytes("950180A378797AA66D6574686F6490")) == call)
        // The reference's: true and "ex" follow.
        #expect(try decode(bytes("980180A378797AA66D6574686F649090C3A26578")) == call)
        #expect(try decode(bytes("9207C0")) == .close(CloseMessage()))
        for vector in MessagePackVectors.all {
            let longer = [vector.body[0] + 2] + vector.body.dropFirst() + [0xC0, 0x91, 0xC3]
            #expect(try decode(longer) == vector.message, "\(vector.id)")
        }
    }

    /// M06.
    @Test(arguments: ["910A", "9100", "92FF2A", "910B", "96CDFFFFC1C1C1C1C1"])
    func `an unknown type is skipped whatever its items are`(hex: String) throws {
        #expect(try decode(bytes(hex)) == nil)
    }

    /// M07.
    @Test(arguments: ["C0", "2A", "A161", "80", "C3", "C40101"])
    func `arguments that are no list fail to bind and are not fatal`(hex: String) throws {
        let body = bytes("960180A131A154" + hex + "91A132")
        guard case .invocation(let invocation) = try decode(body) else {
            Issue.record("not an invocation")
            return
        }
        #expect(invocation.bindingFailure == .type)
        #expect(invocation.arguments.isEmpty)
        #expect(invocation.invocationID == "1")
        #expect(invocation.streamIDs == ["2"])
    }

    /// M07: .NET's text, and nothing for a caller that wants no answer.
    @Test func `the caller of a method is told that its arguments do not bind`() {
        var methods = HubMethods()
        methods.method("M", arity: 0) { $0.reply.void() }
        let dispatcher = HubDispatcher(methods: methods, enableDetailedErrors: true)
        var invocation = Invocation(target: "M", arguments: [])
        invocation.bindingFailure = .type

        guard case .refuse(let text) = dispatcher.decide(invocation, wantsStream: false) else {
            Issue.record("called")
            return
        }
        #expect(
            text == "Failed to invoke 'M' due to an error on the server. InvalidDataException: "
                + BindingFailure.type.detail)
    }

    /// M17.
    @Test func `64 levels decode and 65 are fatal`() throws {
        // The message and its arguments are two of the levels.
        func body(_ levels: Int) -> [UInt8] {
            let value = [UInt8](repeating: 0x91, count: levels - 2) + [0xC0]
            return bytes("950180C0A154") + [0x91] + value
        }
        #expect(try decode(body(64)) != nil)
        #expect(throws: HubProtocolError.self) { try decode(body(65)) }
        #expect(throws: HubProtocolError.self) { try decode(body(30_000)) }
        let maps = [UInt8](repeating: 0x81, count: 20_000)
        #expect(throws: HubProtocolError.self) {
            try decode(bytes("940280A131") + maps)
        }
    }

    /// M18.
    @Test(arguments: [
        "DDFFFFFFFF", "950180C0A154DDFFFFFFFF", "950180C0A15491DDFFFFFFFF", "9301DFFFFFFFFFA131",
        "950180C0DBFFFFFFFF90", "940280A131C6FFFFFFFF", "940280A131DFFFFFFFFF00",
        "960180C0A15490DDFFFFFFFF", "940280A131C9FFFFFFFF01",
    ])
    func `a length beyond the end is fatal`(hex: String) {
        #expect(throws: HubProtocolError.self) { try decode(bytes(hex)) }
    }

    @Test func `text that is not UTF-8 is fatal wherever it stands`() {
        for hex in [
            "950180C0A1FF90", "950180A1FFA15490", "950180C0A15491A1FF", "940280A13181A1FF01",
        ] {
            #expect(throws: HubProtocolError.self) { try decode(bytes(hex)) }
        }
    }

    @Test func `an empty invocation id means none`() throws {
        #expect(
            try decode(bytes("950180A0A66D6574686F6490")) == MessagePackVectors.call([]))
    }

    @Test func `strings and numbers may be wider than they need`() throws {
        let wide = bytes("DC0006CE00000001DE0000D90378797ADA00066D6574686F64DD00000000DC0000")
        #expect(try decode(wide) == MessagePackVectors.call([], id: "xyz"))
        #expect(try decode(bytes("92D300000000000000082A")) == .ack(sequenceID: 42))
        #expect(try decode(bytes("9208D3FFFFFFFFFFFFFFFF")) == .ack(sequenceID: -1))
    }

    @Test func `bytes behind the array are not looked at`() throws {
        #expect(try decode(bytes("9106C1C1")) == .ping)
    }

    @Test func `a ping is known by its bytes alone, and nothing else is`() {
        let ping = HubProtocol.messagePack.ping
        #expect(ping == [0x02, 0x91, 0x06])
        func isPing(_ bytes: [UInt8]) -> Bool {
            bytes.withUnsafeBytes { HubProtocol.messagePack.isPing($0) }
        }
        #expect(isPing(ping))
        for other in [[], [2], [2, 0x91], [3, 0x91, 6], [2, 0x92, 6], [2, 0x91, 7]] as [[UInt8]] {
            #expect(!isPing(other))
        }
        #expect(!isPing(ping + ping))
    }

    @Test func `a header without name or value is not written, as readers refuse it`() throws {
        let message = HubMessage.cancelInvocation(
            headers: [Header("", "x"), Header("a", "b"), Header("c", "")], invocationID: "1")
        #expect(
            try HubProtocol.messagePack.encode(message)
                == [9, 0x93, 5, 0x81, 0xA1, 0x61, 0xA1, 0x62, 0xA1, 0x31])
    }

    @Test func `an argument keeps only its own bytes`() throws {
        guard case .invocation(let call) = try decode(bytes("960180C0A15493010203 91A178")) else {
            Issue.record("not an invocation")
            return
        }
        #expect(call.arguments == [1, 2, 3].map { MessagePackVectors.raw(.integer($0)) })
        #expect(call.arguments.map(\.byteCount) == [1, 1, 1])
    }
}

private func decode(_ body: [UInt8]) throws(HubProtocolError) -> HubMessage? {
    let result = body.withUnsafeBytes { buffer in
        Result { () throws(HubProtocolError) in try HubProtocol.messagePack.decode(buffer) }
    }
    return try result.get()
}

/// Hexadecimal digits; spaces do not count.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

private func call(
    _ arguments: [HubValue], id: String? = nil, streams: [String] = []
) -> HubMessage {
    MessagePackVectors.call(arguments, target: "Target", id: id, streams: streams)
}

private func stream(_ arguments: [HubValue], id: String, streams: [String] = []) -> HubMessage {
    .streamInvocation(
        Invocation(
            target: "target", arguments: arguments.map(MessagePackVectors.raw), invocationID: id,
            streamIDs: streams))
}

private func done(_ id: String, _ outcome: Completion.Outcome) -> HubMessage {
    .completion(Completion(invocationID: id, outcome: outcome))
}
