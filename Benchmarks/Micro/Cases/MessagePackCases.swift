// MessagePackCases: an invocation of the MessagePack hub protocol, read and written.
//
//   [1, {}, nil, "OrderStatusChanged", [4711, "0a5dfd1a-…", "COMPLETED", 1770199965.5]]
//
// Thread: one.  Allocates: reading a string too long to lie in its value; writing the bytes.

import CMicro
import Hub

extension MicroCase {
    static let messagePackCases = [readMessagePack, skipMessagePack, writeMessagePack]

    private static let correlation = "0a5dfd1a-69d2-4db5-95c0-9d2f00000001"
    /// 3 bytes of type, headers and id, 19 of target, 1 of array, 3 + 38 + 10 + 9 of arguments,
    /// 1 in front of all.
    private static let messageByteCount = 84

    private static func write(_ writer: inout MessagePackWriter) {
        writer.array(count: 5)
        writer.integer(1)
        writer.map(count: 0)
        writer.nil()
        writer.string(hubTarget)
        writer.array(count: 4)
        writer.integer(4711)
        writer.string(correlation)
        writer.string("COMPLETED")
        writer.double(1_770_199_965.5)
    }

    /// An operation gives the bytes written.
    private static let writeMessagePack = MicroCase(
        "msgpack.write", byteCount: messageByteCount, each: messageByteCount
    ) {
        { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                var writer = MessagePackWriter(reservingCapacity: 96)
                write(&writer)
                sum &+= UInt64(writer.bytes.count)
            }
            return sum
        }
    }

    /// An operation gives the order's number and the bytes of the three strings.
    private static let readMessagePack = MicroCase(
        "msgpack.read", byteCount: messageByteCount, each: 4711 + 18 + 36 + 9
    ) {
        var writer = MessagePackWriter()
        write(&writer)
        let message = writer.bytes
        return { operationCount in
            var sum: UInt64 = 0
            message.withUnsafeBytes { bytes in
                for _ in 0..<operationCount {
                    cmicro_clobber(bytes.baseAddress)
                    sum &+= UInt64((try? Self.read(bytes)) ?? 0)
                }
            }
            return sum
        }
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) throws(MessagePackError) -> Int {
        var reader = MessagePackReader(bytes)
        guard try reader.array() == 5, try reader.integer() == 1, try reader.map() == 0,
            try reader.skipNil()
        else { return 0 }
        let target = try reader.string()
        guard try reader.array() == 4 else { return 0 }
        let number = try reader.integer()
        let correlation = try reader.string()
        let status = try reader.string()
        guard try reader.double() == 1_770_199_965.5 else { return 0 }
        try reader.end()
        return Int(number) + target.utf8.count + correlation.utf8.count + status.utf8.count
    }

    /// What nobody asks for is stepped over. An operation gives the bytes stepped over.
    private static let skipMessagePack = MicroCase(
        "msgpack.skip", byteCount: messageByteCount, each: messageByteCount
    ) {
        var writer = MessagePackWriter()
        write(&writer)
        let message = writer.bytes
        return { operationCount in
            var sum: UInt64 = 0
            message.withUnsafeBytes { bytes in
                for _ in 0..<operationCount {
                    cmicro_clobber(bytes.baseAddress)
                    var reader = MessagePackReader(bytes)
                    sum &+= UInt64((try? reader.skip().count) ?? 0)
                }
            }
            return sum
        }
    }
}
