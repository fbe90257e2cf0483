// EchoConnection: sends every message back as what it was.
//
// Thread: the connection's loop.  Allocates: never by itself.

import Loop
import WS

final class EchoConnection: WSConnection {
    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        send(UnsafeRawBufferPointer(message), as: kind)
        // A peer that sends and does not read is not read either, until it has caught up.
        if connection?.isBackpressured == true { pauseReading() }
    }

    override func becameWritable() { resumeReading() }
}
