import Foundation
import Testing

@testable import Hub

/// R01, R02: the byte vectors of the .NET pods, both ways: their protocol tests (RV01 to RV12), and
/// the same layouts with real messages (RV13 to RV22).
@Suite("BackplaneEnvelope") struct BackplaneEnvelopeTests {
    // MARK: Acks

    static let acks: [(Int64, [UInt8])] = [
        (0, [0x91, 0x00]), (42, [0x91, 0x2A]), (180, [0x91, 0xCC, 0xB4]),
        (384, [0x91, 0xCD, 0x01, 0x80]), (70_000, [0x91, 0xCE, 0x00, 0x01, 0x11, 0x70]),
        (1, base64("kQE=")), (300, base64("kc0BLA==")),
    ]

    @Test(arguments: acks)
    func `RV01 to RV05, RV21, RV22: an ack`(id: Int64, bytes: [UInt8]) throws {
        #expect(GroupAck(id: id).encode() == bytes)
        #expect(try decode(bytes, GroupAck.decode) == GroupAck(id: id))
        expectNoPrefixDecodes(bytes, GroupAck.decode)
    }

    // MARK: Group commands

    static let commands: [(GroupCommand, [UInt8])] = [
        (
            GroupCommand(id: 42, server: "S", change: change("C", "G", isJoin: true)),
            [0x95, 0x2A, 0xA1, 0x53, 0x01, 0xA1, 0x47, 0xA1, 0x43]
        ),
        (
            GroupCommand(id: 42, server: "S", change: change("C", "G", isJoin: false)),
            [0x95, 0x2A, 0xA1, 0x53, 0x02, 0xA1, 0x47, 0xA1, 0x43]
        ),
        (
            GroupCommand(id: 1, server: "srv_0", change: change("c1", "g1", isJoin: true)),
            base64("lQGlc3J2XzABomcxomMx")
        ),
        (
            GroupCommand(id: 300, server: "srv_0", change: change("c1", "g1", isJoin: false)),
            base64("lc0BLKVzcnZfMAKiZzGiYzE=")
        ),
    ]

    @Test(arguments: commands)
    func `RV06, RV07, RV19, RV20: a group command`(command: GroupCommand, bytes: [UInt8]) throws {
        #expect(command.encode() == bytes)
        #expect(try decode(bytes, GroupCommand.decode) == command)
        expectNoPrefixDecodes(bytes, GroupCommand.decode)
    }

    @Test func `an action that is neither add nor remove is refused`() {
        let bytes: [UInt8] = [0x95, 0x2A, 0xA1, 0x53, 0x03, 0xA1, 0x47, 0xA1, 0x43]
        #expect(throws: BackplaneEnvelopeError.unknownAction(3)) {
            try decode(bytes, GroupCommand.decode)
        }
    }

    // MARK: Completions

    static let completions: [(String, [UInt8], [UInt8])] = [
        (
            "json", Array(#"{"type":3,"invocationId":"1","result":1}"#.utf8),
            [0x92, 0xA4, 0x6A, 0x73, 0x6F, 0x6E, 0xC4, 0x28]
                + Array(#"{"type":3,"invocationId":"1","result":1}"#.utf8)
        ),
        (
            "messagepack", [0x95, 0x03, 0x80, 0xA3, 0x78, 0x79, 0x7A, 0x03, 0x2A],
            [0x92, 0xAB] + Array("messagepack".utf8)
                + [0xC4, 0x09, 0x95, 0x03, 0x80, 0xA3, 0x78, 0x79, 0x7A, 0x03, 0x2A]
        ),
        (
            "json",
            Array(#"{"type":3,"invocationId":"AAAAAAAAAAAAAAAAAAAAAA","result":5}"#.utf8) + [0x1E],
            base64(
                "kqRqc29uxD57InR5cGUiOjMsImludm9jYXRpb25JZCI6IkFBQUFBQUFBQUFBQUFBQUFBQUFBQUEiLCJy"
                    + "ZXN1bHQiOjV9Hg==")
        ),
        (
            "messagepack",
            [0x1C, 0x95, 0x03, 0x80, 0xB6] + Array("AAAAAAAAAAAAAAAAAAAAAA".utf8) + [0x03, 0x05],
            base64("kqttZXNzYWdlcGFja8QdHJUDgLZBQUFBQUFBQUFBQUFBQUFBQUFBQUFBAwU=")
        ),
    ]

    @Test(arguments: completions)
    func `RV11, RV12, RV17, RV18: a completion`(
        name: String, record: [UInt8], bytes: [UInt8]
    ) throws {
        let completion = CompletionEnvelope(protocolName: name, record: record)
        #expect(completion.encode() == bytes)
        #expect(try decode(bytes, CompletionEnvelope.decode) == completion)
        expectNoPrefixDecodes(bytes, CompletionEnvelope.decode)
    }

    // MARK: Invocations

    static let record = Array(#"{"type":1,"target":"Send","arguments":["hi"]}"#.utf8) + [0x1E]
    static let rv13 = base64(
        "kpCBpGpzb27ELnsidHlwZSI6MSwidGFyZ2V0IjoiU2VuZCIsImFyZ3VtZW50cyI6WyJoaSJdfR4=")
    static let rv14 = base64(
        "kpCCpGpzb27ELnsidHlwZSI6MSwidGFyZ2V0IjoiU2VuZCIsImFyZ3VtZW50cyI6WyJoaSJdfR6rbWVzc2FnZXBh"
            + "Y2vEDw6WAYDApFNlbmSRomhpkA==")
    static let rv15 = base64(
        "kpGiYzGCpGpzb27ELnsidHlwZSI6MSwidGFyZ2V0IjoiU2VuZCIsImFyZ3VtZW50cyI6WyJoaSJdfR6rbWVzc2Fn"
            + "ZXBhY2vEDw6WAYDApFNlbmSRomhpkA==")
    static let rv16 = base64(
        "lJCCpGpzb27EV3sidHlwZSI6MSwiaW52b2NhdGlvbklkIjoiQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsInRhcmdl"
            + "dCI6IkdldFZhbHVlIiwiYXJndW1lbnRzIjpbMV19HqttZXNzYWdlcGFja8QnJpYBgLZBQUFBQUFBQUFBQUFB"
            + "QUFBQUFBQUFBqEdldFZhbHVlkQGQtkFBQUFBQUFBQUFBQUFBQUFBQUFBQUHZIUFwcC5DaGF0SHViOmludGVy"
            + "bmFsOnJldHVybjpzcnZfMA==")

    @Test func `RV13: an invocation is written and read byte for byte`() throws {
        let envelope = InvocationEnvelope(
            invocation: EncodedInvocation(
                target: "Send", arguments: [.string("hi")], protocols: [.json]))
        #expect(envelope.encode() == Self.rv13)
        #expect(try decode(Self.rv13, InvocationEnvelope.decode) == envelope)
        expectNoPrefixDecodes(Self.rv13, InvocationEnvelope.decode)
    }

    @Test func `RV14: our own serializers write what .NET's write`() {
        let envelope = InvocationEnvelope(
            invocation: EncodedInvocation(target: "Send", arguments: [.string("hi")]))
        #expect(envelope.encode() == Self.rv14)
    }

    @Test(arguments: [(rv14, []), (rv15, ["c1"])] as [([UInt8], [String])])
    func `RV14, RV15: both protocols are written and read, excluded ids are kept`(
        bytes: [UInt8], excluded: [String]
    ) throws {
        let envelope = try decode(bytes, InvocationEnvelope.decode)
        let written = InvocationEnvelope(
            excludedIDs: excluded,
            invocation: EncodedInvocation(target: "Send", arguments: [.string("hi")]))
        #expect(written.encode() == bytes)
        #expect(written == envelope)
        #expect(envelope.excludedIDs == excluded)
        #expect(envelope.invocation.record(for: .json).map(Array.init) == Self.record)
        #expect(envelope.returnAddress == nil)
        expectNoPrefixDecodes(bytes, InvocationEnvelope.decode)
    }

    @Test func `RV15: excluded ids are written in front`() {
        let envelope = InvocationEnvelope(
            excludedIDs: ["c1"],
            invocation: EncodedInvocation(target: "Send", arguments: [.string("hi")]))
        #expect(envelope.encode() == Self.rv15)
    }

    @Test func `C16, RV16: a question to one client names where its answer goes`() throws {
        let id = String(repeating: "A", count: 22)
        let envelope = try decode(Self.rv16, InvocationEnvelope.decode)
        let address = InvocationEnvelope.ReturnAddress(
            invocationID: id, channel: "App.ChatHub:internal:return:srv_0")
        #expect(envelope.returnAddress == address)
        #expect(envelope.encode() == Self.rv16)
        expectNoPrefixDecodes(Self.rv16, InvocationEnvelope.decode)

        let written = InvocationEnvelope(
            invocation: EncodedInvocation(
                target: "GetValue", arguments: [json("1")], invocationID: id),
            returnAddress: address
        ).encode()
        #expect(try decode(written, InvocationEnvelope.decode) == envelope)
        #expect(written == Self.rv16)
    }

    @Test(arguments: [[], ["a"], ["a", "b", "c", "d", "e", "f"]] as [[String]])
    func `RV08 to RV10: unknown protocols alone are an invocation in none`(
        excluded: [String]
    ) throws {
        let ids: [UInt8] = excluded.flatMap { [0xA1] + Array($0.utf8) }
        let bytes: [UInt8] =
            [0x92, 0x90 | UInt8(excluded.count)] + ids
            + [0x82, 0xA2, 0x70, 0x31, 0xC4, 0x01, 0x2A, 0xA2, 0x70, 0x32, 0xC4, 0x01, 0x2A]
        let envelope = try decode(bytes, InvocationEnvelope.decode)
        #expect(envelope.excludedIDs == excluded)
        for known in HubProtocol.allCases { #expect(envelope.invocation.frame(for: known) == nil) }
        #expect(envelope.encode() == [0x92, 0x90 | UInt8(excluded.count)] + ids + [0x80])
        expectNoPrefixDecodes(bytes, InvocationEnvelope.decode)
    }

    // MARK: All layouts

    @Test func `R03: one item short is an error that names the layout`() {
        #expect(
            errorText([0x91, 0x90], InvocationEnvelope.decode)
                == "Insufficient items in Invocation array.")
        #expect(
            errorText([0x94, 1, 0xA0, 1, 0xA0], GroupCommand.decode)
                == "Insufficient items in GroupCommand array.")
        #expect(errorText([0x90], GroupAck.decode) == "Insufficient items in Ack array.")
        #expect(
            errorText([0x91, 0xA0], CompletionEnvelope.decode)
                == "Insufficient items in CompletionMessage array.")
    }

    @Test func `R04: items behind the last known one are ignored`() throws {
        let ack = longer(Self.acks[1].1, itemCount: 3)
        #expect(try decode(ack, GroupAck.decode) == GroupAck(id: 42))
        let command = longer(Self.commands[0].1, itemCount: 7)
        #expect(try decode(command, GroupCommand.decode) == Self.commands[0].0)
        let completion = longer(Self.completions[0].2, itemCount: 4)
        #expect(try decode(completion, CompletionEnvelope.decode).protocolName == "json")
        let question = longer(Self.rv16, itemCount: 6)
        #expect(
            try decode(question, InvocationEnvelope.decode)
                == decode(Self.rv16, InvocationEnvelope.decode))
        let three = [0x93] + Array(Self.rv13.dropFirst()) + [0xC0]
        #expect(try decode(three, InvocationEnvelope.decode).returnAddress == nil)
    }

    @Test func `numbers, strings and bytes may have any width`() throws {
        let command: [UInt8] =
            [0xDC, 0, 5, 0xD3, 0, 0, 0, 0, 0, 0, 0, 0x2A, 0xD9, 1, 0x53, 0xCE, 0, 0, 0, 1]
            + [0xDA, 0, 1, 0x47, 0xDB, 0, 0, 0, 1, 0x43]
        #expect(try decode(command, GroupCommand.decode) == Self.commands[0].0)
        let length = UInt8(Self.record.count)
        let headers: [[UInt8]] = [
            [0xC5, 0, length], [0xC6, 0, 0, 0, length], [0xD9, length], [0xDA, 0, length],
        ]
        for header in headers {
            let head: [UInt8] = [0xDD, 0, 0, 0, 2, 0xDC, 0, 0, 0xDE, 0, 1, 0xD9, 4]
            let bytes = head + Array("json".utf8) + header + Self.record
            #expect(
                try decode(bytes, InvocationEnvelope.decode)
                    == decode(Self.rv13, InvocationEnvelope.decode))
        }
    }

    @Test func `what is no envelope is an error`() {
        let inputs: [[UInt8]] = [[], [0xC0], [0x2A], [0x92, 0x01, 0x80], [0xC1], [0x68, 0x69]]
        for bytes in inputs {
            #expect(throws: BackplaneEnvelopeError.self) {
                try decode(bytes, InvocationEnvelope.decode)
            }
        }
    }

    // MARK: Help

    private static func base64(_ text: String) -> [UInt8] { [UInt8](Data(base64Encoded: text)!) }

    private static func change(_ connection: String, _ group: String, isJoin: Bool) -> GroupChange {
        GroupChange(connectionID: connection, group: group, isJoin: isJoin)
    }
}
