// TimerCases: deadlines of connections armed, moved, taken back and expired.
//
// Thread: one.  Allocates: nothing once the list of what is due has grown.

import Loop

extension MicroCase {
    static let timerCases = [rearmTimer, disarmTimer, expireTimer]

    /// As many connections as one loop may have.
    private static let timerCount: UInt32 = 16_384

    /// The wheel at a place of its own: a closure may not hold what cannot be copied.
    private final class Wheel {
        var now = MonotonicInstant(nanoseconds: TimerWheel.tickNanoseconds)
        var wheel: TimerWheel
        var due: [UInt32] = []

        init() { wheel = TimerWheel(capacity: timerCount, now: now) }
    }

    /// What a connection does whenever something has arrived. An operation gives 1.
    private static let rearmTimer = MicroCase(
        "timer.rearm",
        // The deadlines left behind must be those of all connections the round has come to.
        expecting: { $0 &+ min($0, UInt64(timerCount)) },
        prepare: {
            { operationCount in
                let state = Wheel()
                var sum: UInt64 = 0
                var index: UInt32 = 0
                for _ in 0..<operationCount {
                    state.wheel.arm(index, at: state.now.advanced(by: .seconds(15)))
                    index = index == timerCount - 1 ? 0 : index + 1
                    sum &+= 1
                }
                return sum &+ UInt64(state.wheel.armedCount)
            }
        })

    /// An operation arms and disarms one and gives 1; nothing may be left.
    private static let disarmTimer = MicroCase("timer.arm-disarm", each: 1) {
        let state = Wheel()
        return { operationCount in
            var sum: UInt64 = 0
            for operation in 0..<operationCount {
                let index = UInt32(operation & 0x3FFF)
                state.wheel.arm(index, at: state.now.advanced(by: .seconds(15)))
                sum &+= UInt64(state.wheel.armedCount)
                state.wheel.disarm(index)
            }
            return sum &+ UInt64(state.wheel.armedCount)
        }
    }

    /// 64 are armed for the next tick, then all of them expire. An operation gives 1: itself, due.
    private static let expireTimer = MicroCase("timer.arm-expire", each: 1) {
        let state = Wheel()
        return { operationCount in
            var sum: UInt64 = 0
            var left = operationCount
            while left > 0 {
                let batch = min(left, 64)
                left -= batch
                let deadline = state.now.advanced(by: .milliseconds(16))
                for index in 0..<UInt32(batch) { state.wheel.arm(index, at: deadline) }
                state.now = state.now.advanced(by: .milliseconds(32))
                state.wheel.expire(at: state.now, into: &state.due)
                sum &+= UInt64(state.due.count)
                state.due.removeAll(keepingCapacity: true)
            }
            return sum
        }
    }
}
