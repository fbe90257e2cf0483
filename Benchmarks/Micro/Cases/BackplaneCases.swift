// BackplaneCases: what a pod does for one message of another pod, before any of its own clients.
//
//   Redis ─▶ push scan ─▶ envelope decode ─▶ …          … ─▶ envelope encode ─▶ Redis
//
// Thread: one.  Allocates: the scan nothing; decode the frame; encode the envelope.

import CMicro
import Hub

extension MicroCase {
    static let backplaneCases = [scanPush, decodeEnvelope, encodeEnvelope]

    /// Layout: array of 2; array of 0; map of 1, "json", the record as bytes of a one-byte length.
    private static let envelope: [UInt8] =
        [0x92, 0x90, 0x81, 0xA4] + Array("json".utf8) + [0xC4, UInt8(hubRecord.count)] + hubRecord

    /// An operation gives the channel's bytes and the payload's.
    private static let scanPush = MicroCase(
        "backplane.resp.scan", byteCount: push.count, each: channel.count + envelope.count
    ) {
        var scanner = RedisPushScanner(byteCountMax: 1 << 20)
        return { operationCount in
            var sum: UInt64 = 0
            push.withUnsafeBytes { bytes in
                for _ in 0..<operationCount {
                    cmicro_clobber(bytes.baseAddress)
                    // What is malformed gives nothing, and the sum is wrong.
                    try? scanner.feed(bytes) { push in
                        if case .message(let channel, let payload) = push {
                            sum &+= UInt64(channel.count + payload.count)
                        }
                    }
                }
            }
            return sum
        }
    }

    private static let channel = Array("contoso:Contoso.OrderStatusHub:all".utf8)

    private static let push: [UInt8] = {
        func bulk(_ bytes: [UInt8]) -> [UInt8] {
            Array("$\(bytes.count)\r\n".utf8) + bytes + Array("\r\n".utf8)
        }
        return Array("*3\r\n".utf8) + bulk(Array("message".utf8)) + bulk(channel) + bulk(envelope)
    }()

    /// An operation gives the record's bytes.
    private static let decodeEnvelope = MicroCase(
        "backplane.envelope.decode", byteCount: envelope.count, each: hubRecord.count
    ) {
        { operationCount in
            var sum: UInt64 = 0
            envelope.withUnsafeBytes { bytes in
                for _ in 0..<operationCount {
                    cmicro_clobber(bytes.baseAddress)
                    let decoded = try? InvocationEnvelope.decode(bytes)
                    sum &+= UInt64(decoded?.invocation.record(for: .json)?.count ?? 0)
                }
            }
            return sum
        }
    }

    /// An operation gives the envelope's bytes.
    private static let encodeEnvelope = MicroCase(
        "backplane.envelope.encode", byteCount: envelope.count, each: envelope.count
    ) {
        let decoded = try envelope.withUnsafeBytes { bytes in
            Result { () throws(BackplaneEnvelopeError) in try InvocationEnvelope.decode(bytes) }
        }.get()
        return { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount { sum &+= UInt64(decoded.encode().count) }
            return sum
        }
    }
}
