// MessagePackVectors: the reference's messages with their bytes, MV01 to MV46.

import Foundation

@testable import Hub

enum MessagePackVectors {
    struct Vector: Sendable {
        let id: String
        let message: HubMessage
        /// Without the length.
        let body: [UInt8]
    }

    static let headers = [
        Header("Foo", "Bar"), Header("KeyWith\nNew\r\nLines", "Still Works"),
        Header("ValueWithNewLines", "Also\nWorks\r\nFine"),
    ]

    /// 2017-04-11T00:00:00Z.
    static let object: HubValue = .map([
        .init("StringProp", "SignalR!"), .init("DoubleProp", 6.2831853071), .init("IntProp", 42),
        .init("DateTimeProp", .timestamp(HubTimestamp(seconds: 1_491_868_800))),
        .init("NullProp", nil), .init("ByteArrProp", .binary([1, 2, 3])),
    ])

    static let all: [Vector] = invocations + items + completions + streams + others

    private static let invocations = [
        vector("MV01", call([], id: "xyz"), "lgGAo3h5eqZtZXRob2SQkA=="),
        vector("MV02", call([]), "lgGAwKZtZXRob2SQkA=="),
        vector("MV03", call([42]), "lgGAwKZtZXRob2SRKpA="),
        vector("MV04", call([42, "string"]), "lgGAwKZtZXRob2SSKqZzdHJpbmeQ"),
        vector("MV05", call([42, "One"]), "lgGAwKZtZXRob2SSKqNPbmWQ"),
        vector("MV06", call([nil]), "lgGAwKZtZXRob2SRwJA="),
        vector(
            "MV07", call([42, "string", object]),
            "lgGAwKZtZXRob2STKqZzdHJpbmeGqlN0cmluZ1Byb3CoU2lnbmFsUiGqRG91YmxlUHJvcMtAGSH7VELPEqdJ"
                + "bnRQcm9wKqxEYXRlVGltZVByb3DW/1jsHICoTnVsbFByb3DAq0J5dGVBcnJQcm9wxAMBAgOQ"),
        vector(
            "MV08", call([], target: "Target", streams: ["__test_id__"]),
            "lgGAwKZUYXJnZXSQkatfX3Rlc3RfaWRfXw=="),
        vector(
            "MV09", call([42], target: "Target", streams: ["__test_id__"]),
            "lgGAwKZUYXJnZXSRKpGrX190ZXN0X2lkX18="),
        vector(
            "MV10", call([], target: "Target", streams: ["__test_id__", "__test_id2__"]),
            "lgGAwKZUYXJnZXSQkqtfX3Rlc3RfaWRfX6xfX3Rlc3RfaWQyX18="),
        // The TypeScript client's, which has the length in front.
        Vector(
            id: "MV45", message: call([42], id: "xyz"),
            body: Array(bytes("EZYBgKN4eXqmbWV0aG9kkSqQ").dropFirst())),
    ]

    private static let items = [
        vector("MV11", item(42), "lAKAo3h5eio="),
        vector("MV12", item(.float(42)), "lAKAo3h5espCKAAA"),
        vector("MV13", item("string"), "lAKAo3h5eqZzdHJpbmc="),
        vector("MV14", item(true), "lAKAo3h5esM="),
        vector("MV15", item(nil), "lAKAo3h5esA="),
        vector("MV16", item("One"), "lAKAo3h5eqNPbmU="),
        vector(
            "MV17", item(object),
            "lAKAo3h5eoaqU3RyaW5nUHJvcKhTaWduYWxSIapEb3VibGVQcm9wy0AZIftUQs8Sp0ludFByb3AqrERhdGVU"
                + "aW1lUHJvcNb/WOwcgKhOdWxsUHJvcMCrQnl0ZUFyclByb3DEAwECAw=="),
    ]

    private static let completions = [
        vector(
            "MV18", done(.error("Error not found!")), "lQOAo3h5egGwRXJyb3Igbm90IGZvdW5kIQ=="),
        vector(
            "MV19", done(.error("Error not found!"), headers),
            "lQODo0Zvb6NCYXKyS2V5V2l0aApOZXcNCkxpbmVzq1N0aWxsIFdvcmtzsVZhbHVlV2l0aE5ld0xpbmVzsEFs"
                + "c28KV29ya3MNCkZpbmWjeHl6AbBFcnJvciBub3QgZm91bmQh"),
        vector("MV20", done(.void), "lAOAo3h5egI="),
        vector(
            "MV21", done(.void, headers),
            "lAODo0Zvb6NCYXKyS2V5V2l0aApOZXcNCkxpbmVzq1N0aWxsIFdvcmtzsVZhbHVlV2l0aE5ld0xpbmVzsEFs"
                + "c28KV29ya3MNCkZpbmWjeHl6Ag=="),
        vector("MV22", done(result(42)), "lQOAo3h5egMq"),
        vector("MV23", done(result(.float(42))), "lQOAo3h5egPKQigAAA=="),
        vector("MV24", done(result("string")), "lQOAo3h5egOmc3RyaW5n"),
        vector("MV25", done(result(true)), "lQOAo3h5egPD"),
        vector("MV26", done(result(nil)), "lQOAo3h5egPA"),
        vector("MV27", done(result("One")), "lQOAo3h5egOjT25l"),
        vector(
            "MV28", done(result(object)),
            "lQOAo3h5egOGqlN0cmluZ1Byb3CoU2lnbmFsUiGqRG91YmxlUHJvcMtAGSH7VELPEqdJbnRQcm9wKqxEYXRl"
                + "VGltZVByb3DW/1jsHICoTnVsbFByb3DAq0J5dGVBcnJQcm9wxAMBAgM="),
        Vector(
            id: "MV46",
            message: .completion(Completion(invocationID: "0", outcome: result([42]))),
            body: [0x95, 0x03, 0x80, 0xA1, 0x30, 0x03, 0x91, 0x2A]),
    ]

    private static let streams = [
        vector("MV29", stream([]), "lgSAo3h5eqZtZXRob2SQkA=="),
        vector("MV30", stream([42]), "lgSAo3h5eqZtZXRob2SRKpA="),
        vector(
            "MV31", stream([], streams: ["__test_id__"]),
            "lgSAo3h5eqZtZXRob2SQkatfX3Rlc3RfaWRfXw=="),
        vector(
            "MV32", stream([42], streams: ["__test_id__"]),
            "lgSAo3h5eqZtZXRob2SRKpGrX190ZXN0X2lkX18="),
        vector("MV33", stream([42, "string"]), "lgSAo3h5eqZtZXRob2SSKqZzdHJpbmeQ"),
        vector("MV34", stream(["One"]), "lgSAo3h5eqZtZXRob2SRo09uZZA="),
        vector("MV35", stream([nil]), "lgSAo3h5eqZtZXRob2SRwJA="),
    ]

    private static let others = [
        vector("MV36", .cancelInvocation(headers: [], invocationID: "xyz"), "kwWAo3h5eg=="),
        vector(
            "MV37", .cancelInvocation(headers: headers, invocationID: "xyz"),
            "kwWDo0Zvb6NCYXKyS2V5V2l0aApOZXcNCkxpbmVzq1N0aWxsIFdvcmtzsVZhbHVlV2l0aE5ld0xpbmVzsEFs"
                + "c28KV29ya3MNCkZpbmWjeHl6"),
        vector("MV38", .ping, "kQY="),
        vector("MV39", .close(CloseMessage()), "kwfAwg=="),
        vector("MV40", .close(CloseMessage(error: "Error!")), "kwemRXJyb3Ihwg=="),
        vector("MV41", .close(CloseMessage(allowReconnect: true)), "kwfAww=="),
        vector(
            "MV42", .close(CloseMessage(error: "Error!", allowReconnect: true)),
            "kwemRXJyb3Ihww=="),
        vector("MV43", .ack(sequenceID: 42), "kggq"),
        vector("MV44", .sequence(sequenceID: 146), "kgnMkg=="),
    ]

    // MARK: Making them

    /// A value as MessagePack, so that a decoded message equals the one that was meant.
    static func raw(_ value: HubValue) -> RawValue {
        var writer = MessagePackWriter()
        do { try writer.value(value) } catch { preconditionFailure("\(error)") }
        return .messagePack(RawMessagePack(writer))
    }

    static func call(
        _ arguments: [HubValue], target: String = "method", id: String? = nil,
        streams: [String] = []
    ) -> HubMessage {
        .invocation(
            Invocation(
                target: target, arguments: arguments.map(raw), invocationID: id,
                streamIDs: streams))
    }

    private static func stream(_ arguments: [HubValue], streams: [String] = []) -> HubMessage {
        .streamInvocation(
            Invocation(
                target: "method", arguments: arguments.map(raw), invocationID: "xyz",
                streamIDs: streams))
    }

    private static func item(_ value: HubValue) -> HubMessage {
        .streamItem(headers: [], invocationID: "xyz", item: raw(value))
    }

    private static func done(_ outcome: Completion.Outcome, _ headers: [Header] = []) -> HubMessage
    {
        .completion(Completion(invocationID: "xyz", outcome: outcome, headers: headers))
    }

    private static func result(_ value: HubValue) -> Completion.Outcome { .result(raw(value)) }

    private static func vector(_ id: String, _ message: HubMessage, _ base64: String) -> Vector {
        Vector(id: id, message: message, body: bytes(base64))
    }

    private static func bytes(_ base64: String) -> [UInt8] {
        guard let data = Data(base64Encoded: base64) else { preconditionFailure(base64) }
        return Array(data)
    }
}
