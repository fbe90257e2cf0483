// Resumption: a WebSocket that may break, and what its successor must repeat.
//
//   sent      1 2 3 │ 4 5 6 │          tracked messages are numbered from 1, not on the wire
//                   │ kept  │          until the client acknowledges them
//   broken … the client comes back: Sequence(4) 4 5 6, then what is new
//
//   received  1 … n                    the client repeats too: what is ≤ n is dropped
//
// Tracked are the messages of types 1 to 5. The client's Sequence comes first on a new socket; its
// tracked messages before that are not looked at.
//
// Thread: one loop.  Allocates: per message kept.
// Source: SignalR HubProtocol and .NET 8's MessageBuffer (stateful reconnect).

import Loop
import WS

final class Resumption {
    /// What a message of the client is.
    enum Arrival: Equatable { case new, repeated }

    private(set) var socket: SessionSocket?
    /// The client speaks version 2: only then messages are numbered.
    private(set) var isEnabled = false
    /// When the last socket broke; nil while there is one.
    private(set) var brokenAt: MonotonicInstant?
    private let byteCountHigh: Int

    /// Not acknowledged, in order; the first one has the number `firstNumber`.
    private var kept: [[UInt8]] = []
    private var keptStart = 0
    private(set) var byteCount = 0
    private var firstNumber: Int64 = 1

    /// Of the client's last message, by its own count since the latest Sequence.
    private var receivedNumber: Int64 = 0
    /// The highest of them; everything up to it was handled.
    private var handledNumber: Int64 = 0
    private var acknowledgedNumber: Int64 = 0
    private var awaitsSequence = false
    private var format = TransferFormat.text

    init(byteCountHigh: Int) { self.byteCountHigh = byteCountHigh }

    private var keptCount: Int { kept.count - keptStart }
    private var nextNumber: Int64 { firstNumber + Int64(keptCount) }

    var isBackpressured: Bool {
        byteCount > byteCountHigh || socket?.isBackpressured == true
    }

    // MARK: Sockets

    func attach(_ socket: HubSocket) { self.socket = .own(socket) }

    func isCarried(by other: HubSocket) -> Bool {
        if case .own(let socket) = socket { socket === other } else { false }
    }

    func isCarried(by other: RelayedSocket) -> Bool {
        if case .relayed(let socket) = socket { socket == other } else { false }
    }

    /// The handshake is done, with a version that has numbers.
    func enable(_ format: TransferFormat) {
        isEnabled = true
        self.format = format
    }

    func broke(at now: MonotonicInstant) {
        socket = nil
        brokenAt = now
    }

    /// Goes on with another socket: tells it where we are, and repeats what may be lost.
    ///
    /// - Parameter sequence: makes the Sequence message.
    func resume(on socket: SessionSocket, sequence: (Int64) -> [UInt8]) {
        // Its end is nobody's business any more.
        let former = self.socket
        self.socket = socket
        former?.close()
        brokenAt = nil
        awaitsSequence = true
        socket.send(sequence(firstNumber), as: format.messageKind)
        for record in kept[keptStart...] { socket.send(record, as: format.messageKind) }
    }

    func finish() { socket?.close() }

    // MARK: Sending

    func send(_ record: [UInt8], as format: TransferFormat, isTracked: Bool) {
        if isTracked, isEnabled {
            kept.append(record)
            byteCount += record.count
        }
        socket?.send(record, as: format.messageKind)
    }

    /// The client has everything up to `number`; one that we have not sent counts as the last one.
    /// - Returns: whether anything was let go.
    func acknowledged(_ number: Int64) -> Bool {
        let last = min(number, nextNumber - 1)
        guard last >= firstNumber else { return false }
        while firstNumber <= last {
            byteCount -= kept[keptStart].count
            kept[keptStart] = []
            keptStart += 1
            firstNumber += 1
        }
        if keptStart > 64, keptStart * 2 > kept.count {
            kept.removeFirst(keptStart)
            keptStart = 0
        }
        return true
    }

    // MARK: Receiving

    /// The number of the client's next message. False if messages in between are missing.
    func received(sequence number: Int64) -> Bool {
        if number > handledNumber + 1 { return false }
        awaitsSequence = false
        receivedNumber = number - 1
        return true
    }

    /// A tracked message has arrived.
    func received() -> Arrival {
        if awaitsSequence { return .repeated }
        receivedNumber += 1
        if receivedNumber <= handledNumber { return .repeated }
        handledNumber = receivedNumber
        return .new
    }

    /// The number to acknowledge; nil if the client knows it.
    func takeAcknowledgement() -> Int64? {
        guard isEnabled, socket != nil, !awaitsSequence, handledNumber > acknowledgedNumber else {
            return nil
        }
        acknowledgedNumber = handledNumber
        return handledNumber
    }
}
