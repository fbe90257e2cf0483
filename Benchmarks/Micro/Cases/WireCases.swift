// WireCases: one invocation of 200 bytes in both hub protocols, read and written, beside Foundation.
//
//   record ─▶ decode ─▶ HubMessage, its argument undecoded               what the hub does with a call
//                          └─▶ typed ─▶ OrderChanged                      what a typed method adds
//   record ─▶ JSONDecoder ─▶ Record<OrderChanged>                         the same work by Foundation
//
// Thread: one.  Allocates: the messages, the values and the records.

import CMicro
import Foundation
import Hub

extension MicroCase {
    static let wireCases =
        [HubProtocol.json, .messagePack].flatMap {
            [decode($0), decodeTyped($0), encode($0), encodeTyped($0)]
        } + [transcode, foundationDecode, foundationEncode]

    private static let byteCount = 200
    private static let correlation = "0a5dfd1a-69d2-4db5-95c0-9d2f00000001"

    private struct OrderChanged: Codable {
        let orderId: Int
        let correlationId: String
        let status: String
        let total: Double
        let isPaid: Bool
    }

    /// The whole record, as Foundation reads and writes it.
    private struct Record: Codable {
        let type: Int
        let target: String
        let arguments: [OrderChanged]
    }

    /// With a status so long that the record has 200 bytes in its protocol.
    private static func order(_ hubProtocol: HubProtocol) throws -> OrderChanged {
        func order(_ status: String) -> OrderChanged {
            OrderChanged(
                orderId: 4711, correlationId: correlation, status: status, total: 219.5,
                isPaid: true)
        }
        for length in 0..<byteCount {
            let padded = order(String(repeating: "x", count: length))
            if try record(padded, hubProtocol).count == byteCount { return padded }
        }
        throw HubValueError.tooDeep
    }

    private static func message(_ argument: RawValue) -> HubMessage {
        .invocation(Invocation(target: hubTarget, arguments: [argument]))
    }

    private static func record(_ order: OrderChanged, _ hubProtocol: HubProtocol) throws -> [UInt8]
    {
        try hubProtocol.encode(message(RawValue(encoding: order)))
    }

    /// The record without its framing.
    private static func body(_ hubProtocol: HubProtocol) throws -> [UInt8] {
        let record = try record(order(hubProtocol), hubProtocol)
        switch hubProtocol {
        case .json: return Array(record.dropLast())
        // 198 bytes and their length in two.
        case .messagePack: return Array(record.dropFirst(2))
        }
    }

    private static func arguments(
        _ record: UnsafeRawBufferPointer, _ hubProtocol: HubProtocol
    ) -> [RawValue] {
        // A record that cannot be read gives nothing, and the sum is wrong.
        guard case .invocation(let invocation) = try? hubProtocol.decode(record) else { return [] }
        return invocation.arguments
    }

    /// With its argument undecoded.
    private static func message(_ hubProtocol: HubProtocol) throws -> HubMessage {
        let values = try body(hubProtocol).withUnsafeBytes { arguments($0, hubProtocol) }
        return .invocation(Invocation(target: hubTarget, arguments: values))
    }

    /// Runs an operation on the bytes again and again.
    private static func each(
        _ bytes: [UInt8], _ operation: @escaping (UnsafeRawBufferPointer) -> Int
    ) -> Body {
        { operationCount in
            var sum: UInt64 = 0
            bytes.withUnsafeBytes { buffer in
                for _ in 0..<operationCount {
                    cmicro_clobber(buffer.baseAddress)
                    sum &+= UInt64(operation(buffer))
                }
            }
            return sum
        }
    }

    // MARK: Reading

    /// An operation gives the number of arguments.
    private static func decode(_ hubProtocol: HubProtocol) -> MicroCase {
        MicroCase("wire.\(hubProtocol.name).decode", byteCount: byteCount, each: 1) {
            each(try body(hubProtocol)) { arguments($0, hubProtocol).count }
        }
    }

    /// An operation gives the order's number.
    private static func decodeTyped(_ hubProtocol: HubProtocol) -> MicroCase {
        MicroCase("wire.\(hubProtocol.name).typed-decode", byteCount: byteCount, each: 4711) {
            each(try body(hubProtocol)) { record in
                let order = try? arguments(record, hubProtocol).first?.decode(as: OrderChanged.self)
                return order?.orderId ?? 0
            }
        }
    }

    private static let foundationDecode = MicroCase(
        "wire.foundation.decode", byteCount: byteCount, each: 4711
    ) {
        let decoder = JSONDecoder()
        let data = Data(try body(.json))
        return each([0]) { _ in
            (try? decoder.decode(Record.self, from: data))?.arguments.first?.orderId ?? 0
        }
    }

    // MARK: Writing

    /// Of a value that has its protocol's form already. An operation gives the record's bytes.
    private static func encode(_ hubProtocol: HubProtocol) -> MicroCase {
        MicroCase("wire.\(hubProtocol.name).encode", byteCount: byteCount, each: byteCount) {
            let message = try Self.message(hubProtocol)
            return each([0]) { _ in (try? hubProtocol.encode(message).count) ?? 0 }
        }
    }

    private static func encodeTyped(_ hubProtocol: HubProtocol) -> MicroCase {
        MicroCase("wire.\(hubProtocol.name).typed-encode", byteCount: byteCount, each: byteCount) {
            let order = try order(hubProtocol)
            return each([0]) { _ in (try? record(order, hubProtocol).count) ?? 0 }
        }
    }

    /// What a JSON value costs to be written for the clients of MessagePack.
    private static let transcode = MicroCase(
        "wire.transcode", byteCount: byteCount, each: 156
    ) {
        let message = try Self.message(.json)
        return each([0]) { _ in (try? HubProtocol.messagePack.encode(message).count) ?? 0 }
    }

    private static let foundationEncode = MicroCase(
        "wire.foundation.encode", byteCount: byteCount, each: byteCount - 1
    ) {
        let encoder = JSONEncoder()
        let record = Record(type: 1, target: hubTarget, arguments: [try order(.json)])
        return each([0]) { _ in (try? encoder.encode(record).count) ?? 0 }
    }
}
