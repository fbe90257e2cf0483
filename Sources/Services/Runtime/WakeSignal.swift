// WakeSignal: tells a sleeping thread that there is work.
//
// Thread: any, but never a loop: `wait` blocks.  Allocates: in init.

import Loop

/// Tells one waiting thread that there is work. A wake before the wait is not lost.
public final class WakeSignal: Sendable {
    private let isSet = Monitor(false)

    public init() {}

    public func wake() { isSet.update { $0 = true } }

    /// Returns at the next wake, at once if there was one since the last wait, or after `limit`.
    public func wait(atMost limit: Duration) {
        _ = isSet.wait(atMost: limit) { (isSet: inout Bool) -> Void? in
            guard isSet else { return nil }
            isSet = false
            return ()
        }
    }
}
