// WSCompression: whether a server agrees to compress messages, and which ones it compresses.
//
// Off by default. Compressed length tells about content: where a message holds both a secret and text
// that an attacker has chosen, its length may give the secret away (docs/DECISIONS/0021). And small
// messages, which are nearly all of a hub, gain little for some microseconds each.
//
// Thread: a pure value.  Source: RFC 7692.

public struct WSCompression: Sendable {
    /// Agrees to permessage-deflate where a client offers it.
    public var isOn = false
    /// Bytes of a message from which on it is compressed; below, the header that names the Huffman
    /// codes eats what they save. Incoming messages may be compressed whatever their size.
    public var messageByteCountMin = 256
    /// Bytes that messages of one connection may inflate to before other connections get their turn:
    /// some 0.5 ms.
    public var inflatedByteCountPerTick = 256 * 1024

    public init() {}

    /// Traps if a limit makes no sense: the configuration checks values before.
    public func validate() {
        precondition(messageByteCountMin > 0)
        precondition(inflatedByteCountPerTick > 0)
    }
}
