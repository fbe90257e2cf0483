// HubCases: one invocation of the JSON hub protocol cut out of a chunk and read, and written.
//
// Thread: one.  Allocates: reading the arguments and the target; writing the record.

import CMicro
import Hub

extension MicroCase {
    static let hubCases = [decodeInvocation, encodeInvocation, encodeBroadcast]

    static let hubTarget = "OrderStatusChanged"
    private static let argument =
        #"{"orderId":4711,"correlationId":"0a5dfd1a-69d2-4db5-95c0-9d2f00000001","#
        + #""status":"COMPLETED","changedAt":"2026-02-04T10:12:45.123456Z"}"#

    /// What a hub sends for one order, its separator included.
    static let hubRecord = Array(
        "{\"type\":1,\"target\":\"\(hubTarget)\",\"arguments\":[\(argument)]}\u{1E}".utf8)

    /// An operation gives the bytes of the target and of the arguments.
    private static let decodeInvocation = MicroCase(
        "hub.json.decode", byteCount: hubRecord.count,
        each: hubTarget.utf8.count + argument.utf8.count
    ) {
        var framer = MessageFramer(recordByteCountMax: 32 * 1024)
        return { operationCount in
            var sum: UInt64 = 0
            hubRecord.withUnsafeBytes { chunk in
                for _ in 0..<operationCount {
                    cmicro_clobber(chunk.baseAddress)
                    var offset = 0
                    let outcome = framer.next(in: chunk, from: &offset) { record in
                        Self.byteCountOfInvocation(record)
                    }
                    if case .record(let byteCount) = outcome { sum &+= UInt64(byteCount) }
                }
            }
            return sum
        }
    }

    private static func byteCountOfInvocation(_ record: UnsafeRawBufferPointer) -> Int {
        // A record that cannot be read gives nothing, and the sum is wrong.
        guard case .invocation(let invocation) = try? HubProtocol.json.decode(record) else {
            return 0
        }
        return invocation.arguments.reduce(invocation.target.utf8.count) { $0 + $1.byteCount }
    }

    /// An operation gives the record's bytes.
    private static let encodeInvocation = MicroCase(
        "hub.json.encode", byteCount: hubRecord.count, each: hubRecord.count
    ) {
        let message = HubMessage.invocation(
            Invocation(target: hubTarget, arguments: [.json(try RawJSON(argument))]))
        return { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                sum &+= UInt64((try? HubProtocol.json.encode(message).count) ?? 0)
            }
            return sum
        }
    }

    /// What a broadcast costs once, however many receive it: the record in its frame.
    private static let encodeBroadcast = MicroCase(
        "hub.broadcast.encode", byteCount: hubRecord.count, each: hubRecord.count
    ) {
        let arguments = [RawValue.json(try RawJSON(argument))]
        return { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                let invocation = EncodedInvocation(target: hubTarget, arguments: arguments)
                sum &+= UInt64(invocation.record(for: .json)?.count ?? 0)
            }
            return sum
        }
    }
}
