// DialHarness: one running loop with a dialer, and what became of each dial in the order it happened.

import Faults
import TestSupport

@testable import Loop

enum DialEvent: Equatable, Sendable {
    case opened
    case received([UInt8])
    case closed(CloseReason)
    case failed(DialError)

    var failure: DialError? {
        if case .failed(let error) = self { error } else { nil }
    }
}

final class DialHarness {
    private enum Order: Sendable {
        case dial(Endpoint, timeout: Duration)
        case count
    }

    let events = Monitor<[DialEvent]>([])
    private let group = LoopGroup()
    private let orders: Mailbox<Order>
    private let openCount = Monitor<Int?>(nil)

    /// - Parameters:
    ///   - plan: under which the loop's system calls are.
    ///   - lookup: stands in for the system's resolver.
    init(
        limits: Limits = Limits(), plan: FaultPlan? = nil, lookup: Resolver.Lookup? = nil
    ) throws {
        let made = Monitor<Mailbox<Order>?>(nil)
        let (events, openCount) = (events, openCount)
        try group.start(count: 1, limits: limits) { reactor, _ in
            plan?.watch()
            let dialer =
                lookup.map { Dialer(reactor: reactor, lookup: $0) } ?? Dialer(reactor: reactor)
            let orders = reactor.makeMailbox(of: Order.self) { [unowned reactor] order in
                switch order {
                case .dial(let endpoint, let timeout):
                    dialer.dial(endpoint, timeout: timeout, handler: Probe(events)) { error in
                        events.update { $0.append(.failed(error)) }
                    }
                case .count:
                    openCount.update { $0 = reactor.openConnectionCount }
                }
            }
            made.update { $0 = orders }
        }
        orders = made.withLock { $0! }
    }

    deinit { group.stop() }

    func stop() { group.stop() }

    func dial(_ endpoint: Endpoint, timeout: Duration = .seconds(20)) {
        orders.post(.dial(endpoint, timeout: timeout))
    }

    /// The first `count` events, as soon as there are so many.
    func events(_ count: Int) -> [DialEvent] {
        events.wait(atMost: .seconds(30)) { $0.count >= count ? $0 : nil } ?? events.withLock { $0 }
    }

    /// Waits until so many dials have opened, whatever else has happened; false after thirty seconds.
    func opens(_ count: Int) -> Bool {
        events.wait(atMost: .seconds(30)) { events in
            events.filter { $0 == .opened }.count >= count ? true : nil
        } ?? false
    }

    /// Waits until the loop holds no connection any more; false after thirty seconds.
    func becomesEmpty() -> Bool {
        for _ in 0..<1000 {
            openCount.update { $0 = nil }
            orders.post(.count)
            if openCount.wait(atMost: .seconds(30), { $0 }) == 0 { return true }
        }
        return false
    }
}

/// Says hello and records what happens.
private final class Probe: ConnectionHandler {
    private let events: Monitor<[DialEvent]>

    init(_ events: Monitor<[DialEvent]>) { self.events = events }

    override func opened(_ connection: Connection) {
        events.update { $0.append(.opened) }
        connection.send("hello")
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        guard bytes.count >= 5 else { return 0 }
        events.update { $0.append(.received(Array(bytes))) }
        return bytes.count
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        events.update { $0.append(.closed(reason)) }
    }
}

/// Sends everything back.
final class EchoBack: ConnectionHandler {
    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.send(UnsafeRawBufferPointer(bytes))
        return bytes.count
    }
}

extension LoopHarness {
    var port: UInt16 { UInt16(address.split(separator: ":").last!)! }

    /// An echo server.
    convenience init(echoingWith identity: TLSIdentity? = nil, host: String = "127.0.0.1") throws {
        try self.init { reactor in
            try reactor.listen(host: host, port: 0, identity: identity) { _ in EchoBack() }
        }
    }
}
