// ServerSentEvent: a payload as one event.
//
//   Hello␊World  ─▶  data: Hello␍␊data: World␍␊␍␊
//
// Each way to end a line begins a new `data:` line, so that a value's white space cannot cut the
// event; the client joins the lines again.
//
// Thread: pure functions.  Allocates: the event.
// Source: HTML Living Standard, "Server-sent events"; SignalR TransportProtocols; bytes as .NET 8.

enum ServerSentEvent {
    /// Opens the stream, which would look dead without a first byte.
    static let opening = Array(":\r\n".utf8)

    static func encode(_ payload: some Collection<UInt8>) -> [UInt8] {
        var event: [UInt8] = []
        event.reserveCapacity(payload.count + 16)
        if !payload.isEmpty {
            var rest = payload[...]
            while true {
                event += "data: ".utf8
                guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
                    event += rest
                    event += "\r\n".utf8
                    break
                }
                event += rest[..<end]
                event += "\r\n".utf8
                let wasCR = rest[end] == 0x0D
                rest = rest[rest.index(after: end)...]
                if wasCR, rest.first == 0x0A { rest = rest.dropFirst() }
            }
        }
        event += "\r\n".utf8
        return event
    }
}
