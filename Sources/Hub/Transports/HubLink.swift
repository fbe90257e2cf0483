// HubLink: what carries the bytes of one hub connection now.
//
//   webSocket    HubSocket      the usual case: the connection lives as long as its socket
//   resumable    Resumption     a WebSocket that may break and be replaced
//   events       EventStream    server-sent events down, POSTs up
//   polling      PollQueue      polls down, POSTs up
//
// An enum and not a protocol: the set is closed, and a call through it costs no existential. A plain
// WebSocket is not retained either: it stands in the way of every ping.
//
// Thread: one loop.  Allocates: never by itself.

import Loop
import WS

enum HubLink {
    /// Not opened yet, or ended.
    case none
    /// The loop's, which keeps it until it has told us of its end.
    case webSocket(Unmanaged<HubSocket>)
    case resumable(Resumption)
    case events(EventStream)
    case polling(PollQueue)

    /// Sends whole hub messages.
    ///
    /// - Parameter isTracked: they are of a kind that stateful reconnect numbers.
    func send(_ records: [UInt8], as format: TransferFormat, isTracked: Bool) {
        switch self {
        case .none: break
        case .webSocket(let socket):
            socket._withUnsafeGuaranteedRef { $0.send(records, as: format.messageKind) }
        case .resumable(let resumption): resumption.send(records, as: format, isTracked: isTracked)
        case .events(let stream): stream.send(records)
        case .polling(let queue): _ = queue.append(records)
        }
    }

    /// Sends a push, which may be left out where the client does not keep up.
    ///
    /// - Returns: how many that waited for a poll it has superseded.
    func push(
        _ records: [UInt8], as format: TransferFormat, _ expendability: Expendability
    ) -> Int {
        switch self {
        case .none: break
        case .webSocket(let socket):
            let frame = SharedBytes(
                copying: FrameWriter.makeFrame(records, as: format.messageKind), expendability)
            socket._withUnsafeGuaranteedRef { $0.send(frame: frame) }
            frame.release()
        case .resumable(let resumption): resumption.send(records, as: format, isTracked: true)
        case .events(let stream): stream.push(records, expendability)
        case .polling(let queue): return queue.append(records, expendability)
        }
        return 0
    }

    /// The client does not keep up; what can wait shall.
    var isBackpressured: Bool {
        switch self {
        case .none: false
        case .webSocket(let socket):
            socket._withUnsafeGuaranteedRef { $0.connection?.isBackpressured == true }
        case .resumable(let resumption): resumption.isBackpressured
        case .events(let stream): stream.isBackpressured
        case .polling(let queue): queue.isBackpressured
        }
    }

    /// What a client without a WebSocket has sent and the hub has not taken.
    var posts: PostQueue? {
        switch self {
        case .none, .webSocket, .resumable: nil
        case .events(let stream): stream.posts
        case .polling(let queue): queue.posts
        }
    }

    /// Bytes for a client that has to fetch or acknowledge them first.
    var waitingByteCount: Int {
        switch self {
        case .none, .webSocket, .events: 0
        case .resumable(let resumption): resumption.byteCount
        case .polling(let queue): queue.byteCount
        }
    }

    /// The connection has said its last.
    func finish() {
        switch self {
        case .none: break
        case .webSocket(let socket): socket._withUnsafeGuaranteedRef { $0.close(.normal) }
        case .resumable(let resumption): resumption.finish()
        case .events(let stream): stream.finish()
        case .polling(let queue): queue.finish()
        }
    }

    func pauseReading() {
        switch self {
        case .webSocket(let socket): socket._withUnsafeGuaranteedRef { $0.pauseReading() }
        case .resumable(let resumption): resumption.socket?.pauseReading()
        // What is POSTed waits in PostQueue.
        case .none, .events, .polling: break
        }
    }

    func resumeReading() {
        switch self {
        case .webSocket(let socket): socket._withUnsafeGuaranteedRef { $0.resumeReading() }
        case .resumable(let resumption): resumption.socket?.resumeReading()
        case .none, .events, .polling: break
        }
    }
}
