// EchoConnection: sends every message back as what it was, and gives silent peers up.
//
//   half of the silence allowed ─▶ ping ─▶ the other half, and still nothing ─▶ cut
//
// Thread: the connection's loop.  Allocates: never by itself.

import Loop
import WS

final class EchoConnection: WSConnection {
    private let silenceMax: Duration
    private var hasAsked = false

    /// - Parameter silenceMax: after which a peer of whom nothing comes, no pong either, is cut.
    init(limits: WSLimits, deflate: DeflateAgreement?, silenceMax: Duration) {
        self.silenceMax = silenceMax
        super.init(limits: limits, deflate: deflate)
    }

    override func opened() { armTimer(after: silenceMax / 2) }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        send(UnsafeRawBufferPointer(message), as: kind)
        // A peer that sends and does not read is not read either, until it has caught up.
        if connection?.isBackpressured == true { pauseReading() }
    }

    override func becameWritable() { resumeReading() }

    override func timerFired() {
        let isSilent = !takeHeard()
        // Whom we do not read is judged by what it reads, with the deadline of its output.
        if isSilent, connection?.isBackpressured == false {
            if hasAsked { return abort() }
            ping()
        }
        hasAsked = isSilent
        armTimer(after: silenceMax / 2)
    }
}
