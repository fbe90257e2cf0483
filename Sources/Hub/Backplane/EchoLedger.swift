// EchoLedger: tells the pod's own messages, which pub/sub brings back, from those of others.
//
//   publish ─▶ expect(channel, digest, 7) ─▶ PUBLISH ─▶ … ─▶ arrives ─▶ isEcho: true, 7 is used up
//                                                           arrives ─▶ isEcho: false, another pod's
//
// The wire must be the same as the other pods', so nothing marks a message as ours. Two messages with
// the same bytes on one channel are the same to every receiver: it does not matter which of them is
// dropped, only that as many are dropped as we have delivered ourselves.
//
// So an expectation that will never be met is the danger: it would swallow a message of another pod.
// It may be written down only while the channel is confirmed as subscribed, and is crossed out when
// the channel or the connection is lost, when its PUBLISH fails, and at the latest by a fence: the
// answer to a PING, sent on the subscribing connection after its PUBLISH had been answered, comes
// behind the echo. Crossing out too early only means that clients get one message twice.
//
// Thread: one loop.  Allocates: when a list grows.

struct EchoLedger {
    private struct Expectation {
        let digest: Int
        /// Of the PUBLISH.
        let serial: UInt64
    }

    /// In order of publishing, which is the order of arrival.
    private var expectations: [OrdinalName: [Expectation]] = [:]

    /// Echoes that have not arrived.
    var count: Int { expectations.values.reduce(0) { $0 + $1.count } }

    /// Names a message by its content: SipHash with a key of this process, which nobody outside can
    /// aim at.
    static func digest(_ payload: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: payload)
        return hasher.finalize()
    }

    /// The channel is confirmed as subscribed, and the message has been delivered here.
    /// - Parameter serial: grows from one PUBLISH to the next.
    mutating func expect(_ digest: Int, on channel: String, serial: UInt64) {
        expectations[OrdinalName(channel), default: []].append(
            Expectation(digest: digest, serial: serial))
    }

    /// Whether what has arrived was delivered here before; uses one expectation up.
    /// - Parameter digest: asked for only if anything is expected on the channel.
    mutating func isEcho(_ digest: @autoclosure () -> Int, on channel: String) -> Bool {
        let name = OrdinalName(channel)
        guard let expected = expectations[name] else { return false }
        let digest = digest()
        guard let index = expected.firstIndex(where: { $0.digest == digest }) else { return false }
        expectations[name]?.remove(at: index)
        if expectations[name]?.isEmpty == true { expectations[name] = nil }
        return true
    }

    /// The PUBLISH has failed, or may have.
    mutating func withdraw(serial: UInt64, on channel: String) {
        keep(OrdinalName(channel)) { $0.serial != serial }
    }

    /// The channel is not subscribed without a break.
    mutating func forget(_ channel: String) { expectations[OrdinalName(channel)] = nil }

    mutating func forgetAll() { expectations = [:] }

    /// A fence has come back: what was published up to `serial` and has not arrived never will.
    mutating func passedFence(serial: UInt64) {
        for name in Array(expectations.keys) { keep(name) { $0.serial > serial } }
    }

    private mutating func keep(_ name: OrdinalName, _ isKept: (Expectation) -> Bool) {
        guard let kept = expectations[name]?.filter(isKept) else { return }
        expectations[name] = kept.isEmpty ? nil : kept
    }
}
