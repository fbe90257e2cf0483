import Testing

@testable import Hub

/// An invocation that is written once in each protocol.
@Suite("EncodedInvocation") struct EncodedInvocationTests {
    @Test func `an invocation is one frame around its record, in each protocol`() {
        let made = EncodedInvocation(target: "Send", arguments: [.string("hi")])
        let record: [UInt8] = bytes("0E960180C0A453656E6491A2686990")
        #expect(made.record(for: .messagePack).map(Array.init) == record)
        #expect(made.frame(for: .messagePack) == [0x82, UInt8(record.count)] + record)
        let text = Array("{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\"]}\u{1E}".utf8)
        #expect(made.frame(for: .json) == [0x81, UInt8(text.count)] + text)
        #expect(made.recordByteCount == record.count + text.count)

        var received = EncodedInvocation()
        text.withUnsafeBytes { received.setRecord($0, for: .json) }
        #expect(received != made)
        record.withUnsafeBytes { received.setRecord($0, for: .messagePack) }
        #expect(received == made)
    }

    @Test func `only the protocols that are asked for are written`() {
        let made = EncodedInvocation(target: "N", arguments: [], protocols: [.messagePack])
        #expect(made.record(for: .json) == nil)
        #expect(made.frame(for: .messagePack) != nil)
        #expect(EncodedInvocation(target: "N", arguments: [], protocols: []).recordByteCount == 0)
    }

    /// E77: a protocol that has no form for a value has no record, and the others do.
    @Test(
        arguments: [
            (.value(.double(.nan)), [.messagePack]),
            (.messagePack(RawMessagePack(checked: [0x81, 0x01, 0x02])), [.messagePack]),
            (.messagePack(RawMessagePack(checked: [0xD4, 0x05, 0x00])), [.messagePack]),
            (.json(RawJSON(checked: Array("1e999".utf8)[...])), [.json]),
            (.value(nil), [.json, .messagePack]),
        ] as [(RawValue, [HubProtocol])])
    func `a value that a protocol cannot say leaves it out`(
        value: RawValue, protocols: [HubProtocol]
    ) {
        let made = EncodedInvocation(target: "N", arguments: [value])
        for hubProtocol in HubProtocol.allCases {
            #expect(
                (made.record(for: hubProtocol) != nil) == protocols.contains(hubProtocol))
        }
    }

    /// E76.
    @Test func `a completion that a protocol cannot say is an error to whoever writes it`() throws {
        let message = HubMessage.completion(
            Completion(invocationID: "1", outcome: .result(.value([.double(.infinity)]))))
        #expect(throws: HubValueError.notFinite) { try HubProtocol.json.encode(message) }
        #expect(try !HubProtocol.messagePack.encode(message).isEmpty)
    }

    /// What one protocol's client has sent goes to those of the other.
    @Test func `arguments of one protocol are written in the other`() throws {
        let object = MessagePackVectors.object
        let json =
            #"{"StringProp":"SignalR!","DoubleProp":6.2831853071,"IntProp":42,"#
            + #""DateTimeProp":"2017-04-11T00:00:00Z","NullProp":null,"ByteArrProp":"AQID"}"#
        let made = EncodedInvocation(
            target: "N", arguments: [MessagePackVectors.raw(object), .json(try RawJSON("[1,2.5]"))])
        #expect(
            made.record(for: .json).map { String(decoding: $0, as: UTF8.self) }
                == "{\"type\":1,\"target\":\"N\",\"arguments\":[\(json),[1,2.5]]}\u{1E}")
        #expect(
            made.record(for: .messagePack).map { Array($0.suffix(12)) }
                == bytes("9201CB400400000000000090"))
    }
}
