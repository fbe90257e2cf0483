// ForeignClient: another program on the same broker, blocking, for declaring, looking and cleaning up.

import Loop
import TestSupport

@testable import Services

final class ForeignClient {
    private let socket: BlockingClient
    private let session: AMQPSession
    private let arena = AMQPArena()
    private var events: [AMQPEvent] = []

    init(_ options: AMQPOptions) throws {
        socket = try BlockingClient(to: options.hosts[0].text)
        var settings = AMQPSession.Settings()
        settings.user = options.user
        settings.password = options.password
        settings.virtualHost = options.virtualHost
        settings.name = "foreign"
        session = AMQPSession(settings: settings)
        session.start(at: SystemTime().monotonicNow)
        try wait { $0 == .opened }
        session.openChannel(1)
        session.selectConfirms(on: 1)
        try wait { $0 == .confirming(1) }
    }

    /// Durable and without arguments, as the .NET services do.
    func declare(_ queue: String, arguments: [(String, AMQPValue)] = []) throws {
        session.declare(queue, arguments: arguments, isPassive: false, on: 1)
        try wait { if case .declared = $0 { true } else { false } }
    }

    /// With these properties, as they go over the wire; confirmed.
    func publish(_ body: [UInt8], properties: [UInt8], to queue: String) throws {
        session.publish(AMQPMessage(queue: queue, properties: properties, body: body), on: 1)
        try wait { if case .confirmed = $0 { true } else { false } }
    }

    func publish(_ body: String, headers: [String: String] = [:], to queue: String) throws {
        let properties = AMQPProperties.encode(headers, arena: arena)!
        try publish(Array(body.utf8), properties: properties, to: queue)
    }

    /// The next message of a queue, acked.
    func receive(from queue: String) throws -> AMQPDelivery {
        session.openChannel(2)
        session.consume(queue, window: 1, on: 2)
        var delivery: AMQPDelivery?
        try wait { event in
            if case .delivered(2, let message) = event { delivery = message }
            return delivery != nil
        }
        session.ack(delivery!.tag, isMultiple: false, on: 2)
        session.closeChannel(2)
        while session.channels[2] != nil { try exchange() }
        return delivery!
    }

    func count(_ queue: String) throws -> Int {
        session.declare(queue, arguments: [], isPassive: true, on: 1)
        var count = 0
        try wait { event in
            guard case .declared(_, _, let messageCount) = event else { return false }
            count = messageCount
            return true
        }
        return count
    }

    func delete(_ queues: [String]) throws {
        for queue in queues { session.delete(queue, on: 1) }
        // A channel answers in order: once it is closed they are gone.
        session.closeChannel(1)
        while session.channels[1] != nil { try exchange() }
    }

    private func wait(_ isWanted: (AMQPEvent) -> Bool) throws {
        while true {
            while !events.isEmpty {
                let event = events.removeFirst()
                if isWanted(event) { return }
                if case .channelClosed(_, let close) = event {
                    throw ClientError(description: close.text)
                }
            }
            try exchange()
        }
    }

    private func exchange() throws {
        let now = SystemTime().monotonicNow
        var output: [UInt8] = []
        session.takeOutput(atMost: .max, at: now) { output += $0 }
        try socket.send(output)
        let input = try socket.receive()
        if input.isEmpty { throw ClientError(description: "the broker closed the connection") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: input)
        try session.receive(UnsafeRawBufferPointer(buffer), at: now)
        events += session.takeEvents()
    }
}
