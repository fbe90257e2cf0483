// BroadcastRecord: the message that is fanned out, padded to the size asked for.
//
//   {"type":1,"target":"Broadcast","arguments":["<due>:<sequence>:<padding>"]} RS
//   └──────────────────────────── byteCount ──────────────────────────────────┘
//
// Thread: pure functions.  Allocates: the record.

struct BroadcastRecord: Equatable, Sendable {
    /// Of the whole record, its separator included: the payload of the WebSocket message.
    let byteCount: Int
    let target: String

    /// Two numbers of full length and the JSON around them fit.
    static let byteCountMin = 96

    private var head: String { #"{"type":1,"target":"\#(target)","arguments":[""# }
    private static let tail = #""]}"#

    /// The text of the one argument.
    func argument(_ stamp: Stamp) -> String {
        let text = stamp.text
        let rest = byteCount - head.utf8.count - Self.tail.utf8.count - 1 - text.utf8.count
        return text + String(repeating: "x", count: max(0, rest))
    }

    func bytes(_ stamp: Stamp) -> [UInt8] {
        Array((head + argument(stamp) + Self.tail).utf8) + [HubRecords.separator]
    }
}
