// OrderPoster: a kept HTTP connection, one order at a time.
//
//   new ─▶ dialling ─▶ busy ─▶ idle ─▶ busy …        any fault ─▶ ended
//
// Thread: one loop.  Allocates: per order.  Source: RFC 9112 §9.3.

import Loop
import WS

final class OrderPoster: ConnectionHandler {
    let origin: HTTPOrigin
    private unowned let workload: OrderWorkload
    private var connection: Connection?
    private var request: [UInt8] = []
    private var dueNanoseconds: UInt64 = 0
    private var reader = OrderPoster.makeReader()
    private var isBusy = false
    private(set) var isUsable = true

    private static let bodyByteCountMax = 64 * 1024

    init(_ workload: OrderWorkload, origin: HTTPOrigin) {
        self.workload = workload
        self.origin = origin
    }

    private static func makeReader() -> ResponseReader {
        ResponseReader(answering: .post, bodyByteCountMax: bodyByteCountMax)
    }

    /// Not busy, and usable.
    func post(_ request: [UInt8], dueAt due: UInt64, _ loop: ClientLoop) {
        precondition(!isBusy && isUsable)
        isBusy = true
        dueNanoseconds = due
        reader = Self.makeReader()
        if let connection {
            connection.send(request)
            connection.armTimer(after: loop.openTimeout)
        } else {
            self.request = request
            loop.dialer.dial(
                loop.endpoint(of: origin, client: 0), timeout: loop.openTimeout, handler: self
            ) { [self] _ in finish(nil) }
        }
    }

    private func finish(_ response: ClientResponse?) {
        if response == nil { isUsable = false }
        guard isBusy else { return }
        isBusy = false
        workload.answered(self, response, dueAt: dueNanoseconds)
    }

    override func opened(_ connection: Connection) {
        self.connection = connection
        connection.send(request)
        request = []
        connection.armTimer(after: workload.loop.openTimeout)
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        guard isBusy else { return bytes.count }
        do throws(ResponseFault) {
            let (consumed, response) = try reader.take(UnsafeRawBufferPointer(bytes))
            guard let response else { return consumed }
            connection.disarmTimer()
            if !reader.keepsAlive {
                isUsable = false
                connection.closeAfterFlush()
            }
            finish(response)
        } catch {
            connection.abort()
            finish(nil)
        }
        return bytes.count
    }

    override func timerFired(_ connection: Connection) {
        connection.abort()
        finish(nil)
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        isUsable = false
        workload.posterLost(self)
        finish(nil)
    }
}
