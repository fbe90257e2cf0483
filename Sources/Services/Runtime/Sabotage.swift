// Sabotage: named promises that a test takes away, to show that its judge notices.
//
//   SABOTAGE=ack-first   acknowledges messages before they are committed
//
// A checker that has never seen a loss proves nothing by seeing none. Release builds contain none of
// this: `isOn` is false there.
//
// Thread: any.  Allocates: in debug builds only.

import Glibc

/// What can be taken away.
public enum Sabotage: String, CaseIterable, Sendable {
    /// The outbox is never read.
    case relayOff = "relay-off"
    /// Messages are acked as they arrive, before their work is done.
    case ackFirst = "ack-first"
    /// A status that the workflow state does not know is unknown.
    case noFallback = "no-fallback"
    /// The loops stop for half a second again and again.
    case lateLoops = "late-loops"
    /// Everybody may ask about every order.
    case noOwnerCheck = "no-owner-check"

    @inline(__always) static func isOn(_ sabotage: Sabotage) -> Bool {
        #if CRASH_POINTS
            return chosen == sabotage
        #else
            return false
        #endif
    }

    #if CRASH_POINTS
        private static let chosen = Sabotage(
            environment: getenv("SABOTAGE").map { String(cString: $0) })

        /// Nil without a value. Traps on a name that does not exist: a control that breaks nothing
        /// must not pass.
        init?(environment: String?) {
            guard let environment, !environment.isEmpty else { return nil }
            guard let sabotage = Sabotage(rawValue: environment) else {
                preconditionFailure("SABOTAGE names nothing: \(environment)")
            }
            self = sabotage
        }
    #endif
}

/// A consumer that acks what it receives, for `Sabotage.ackFirst`.
struct AckFirst: MessageConsumer {
    let consumer: any MessageConsumer

    /// Microseconds. A relay that has not marked its row yet would publish again after a crash, and
    /// the loss would not be one.
    private static let relayHasMarked: UInt32 = 200_000

    func receive(max: Int, wait: Duration) throws(BusError) -> [Delivery] {
        let deliveries = try consumer.receive(max: max, wait: wait)
        if !deliveries.isEmpty {
            try consumer.ack(deliveries)
            usleep(Self.relayHasMarked)
        }
        return deliveries
    }

    var wake: @Sendable () -> Void { consumer.wake }
    func ack(_ deliveries: [Delivery]) {}
    func retry(_ delivery: Delivery, after delay: Duration) {}
    func deadLetter(_ delivery: Delivery, reason: String) {}
}
