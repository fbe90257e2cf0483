// RawMessagePack: one MessagePack value, checked but not decoded.
//
// Thread: a pure value, any thread.  Allocates: never; slices share the message they were cut from.

/// The bytes of exactly one MessagePack value. Its lengths and its UTF-8 are known to be right.
public struct RawMessagePack: Equatable, Sendable {
    public let bytes: ArraySlice<UInt8>

    /// Takes bytes that a reader has checked or a writer has written.
    public init(checked bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// What `writer` holds, which must be one whole value.
    public init(_ writer: MessagePackWriter) { bytes = writer.bytes[...] }

    /// Checks `bytes`, which must be one whole value.
    public init(_ bytes: [UInt8]) throws(MessagePackError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(MessagePackError) in
                var reader = MessagePackReader(buffer, depthMax: HubValue.depthMax)
                try reader.skip()
                try reader.end()
            }
        }
        try result.get()
        self.bytes = bytes[...]
    }

    public static let null = RawMessagePack(checked: [0xC0])

    /// Calls `body` with a reader in front of the value.
    func read<T>(
        _ body: (inout MessagePackReader) throws(MessagePackError) -> T
    ) throws(MessagePackError) -> T {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(MessagePackError) in
                var reader = MessagePackReader(buffer)
                return try body(&reader)
            }
        }
        return try result.get()
    }
}

extension RawMessagePack: CustomStringConvertible {
    /// Hexadecimal digits, as specifications print it.
    public var description: String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}
