// Settings+Output: the rows of the table about what waits for clients to read it. Their effects:
// docs/LIMITS.md.
//
// Thread: constants.

import Hub
import Loop

extension Settings {
    static let output: [Setting] = [
        Setting(
            "hub.slow-client", "POLICY", default: "close",
            "What becomes of a client that does not read: close, drop-oldest or coalesce"
        ) { text, configuration throws(SettingValueError) in
            guard let policy = SlowConsumerPolicy(rawValue: text) else {
                throw SettingValueError("write close, drop-oldest or coalesce")
            }
            configuration.hub.slowClient = policy
        },
        .size(
            "hub.outbound-size", \.hub.outboundByteCountMax, in: (128 << 10)...(16 << 20),
            default: "1MiB", "Bytes queued for a client's socket at which hub.slow-client decides"),
        .size(
            "limits.outbound-memory", \.outboundMemoryByteCountMax, in: (16 << 20)...(1 << 40),
            default: "256MiB",
            "What waits for all clients together; beyond it the longest queues are shed"),
    ]
}
