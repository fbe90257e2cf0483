// MessageDeflate: permessage-deflate of one loop, shared by all its connections.
//
//   connection ── takeInflater ─▶ message in pieces ── giveBack ─▶ spare
//   connection, broadcast ─────▶ the one deflater
//
// No context is taken over in either direction, so a connection between two messages has no state: what
// zlib needs is here, once. A message of which pieces are still to come holds an inflater of its own,
// some 42 KB, until it ends.
//
// Thread: one loop.  Allocates: the deflater with the first message that is sent compressed, an
// inflater for each compressed message that is under way at the same time.  Source: RFC 7692.

import Loop

public final class MessageDeflate {
    let options: WSCompression
    /// Messages that were compressed; one for many receivers is one.
    public private(set) var compressedCount = 0
    /// Bytes by which they became shorter.
    public private(set) var savedByteCount = 0
    private var spare: Inflater?
    private lazy var deflater = Deflater()

    /// Nil if compression is off.
    public init?(_ options: WSCompression) {
        options.validate()
        guard options.isOn else { return nil }
        self.options = options
    }

    func takeInflater() -> Inflater {
        defer { spare = nil }
        return spare ?? Inflater()
    }

    /// - Parameter inflater: one that has finished its message.
    func giveBack(_ inflater: Inflater) { spare = inflater }

    /// Calls `body` with the compressed message if it is worth it and the window allows it.
    ///
    /// - Returns: nil if `body` was not called: the message is to be sent as it is.
    func withCompressed<Result>(
        _ message: UnsafeRawBufferPointer, for window: DeflateWindow,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        guard message.count >= options.messageByteCountMin,
            window.fits(messageByteCount: message.count)
        else { return nil }
        return deflater.withCompressed(message) { compressed in
            compressedCount += 1
            savedByteCount += message.count - compressed.count
            return body(compressed)
        }
    }

    /// A whole message as one frame, for all connections whose window fits it; nil as above.
    public func makeFrame(_ message: UnsafeRawBufferPointer, as kind: MessageKind) -> SharedBytes? {
        withCompressed(message, for: .largest) { compressed in
            SharedBytes(
                copying: FrameWriter.makeFrame(kind.opcode, compressed, isCompressed: true))
        }
    }
}

/// What was agreed on with one client.
public struct DeflateAgreement {
    let deflate: MessageDeflate
    /// Of the client, for what we send.
    public let window: DeflateWindow
}

@available(*, unavailable)
extension MessageDeflate: Sendable {}
