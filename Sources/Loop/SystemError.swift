// SystemError: an errno with the call that gave it, and the one place that sorts them.
//
// Of the four kinds of errors this is the third, the system's. "Not yet" is a normal result and
// never thrown; the peer's fault has types of its own in WS and Hub; our own bug traps.
//
// Thread: a pure value.  Source: man 3 errno and the pages of the calls named.

import CLinux
import Glibc

/// A system call that failed.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The positive errno.
    public let code: Int32
    public let call: StaticString

    public init(code: Int32, call: StaticString) {
        self.code = code
        self.call = call
    }

    /// What a caller can do about it.
    public enum Kind: Sendable {
        /// Interrupted; call again.
        case retry
        /// Nothing to read, or no room to write; wait for the next event.
        case wouldBlock
        /// The other side is gone; close this connection only.
        case peerGone
        /// Descriptors or memory ran out; shed load and go on.
        case resource
        /// A call with arguments that cannot be right.
        case ourBug
    }

    public var kind: Kind { Self.kind(of: code) }

    public static func kind(of code: Int32) -> Kind {
        switch code {
        case EINTR: .retry
        case EAGAIN: .wouldBlock
        case ECONNRESET, EPIPE, ECONNABORTED, ETIMEDOUT, ENOTCONN, EHOSTUNREACH, ENETUNREACH,
            ENETDOWN, EHOSTDOWN, EPROTO, ENONET, ENOPROTOOPT, EOPNOTSUPP:
            .peerGone
        // A router's or a firewall's word: an established connection that runs into its time-out ends
        // with the last ICMP error as the kernel has translated it, and accept4 tells of rules.
        case ECONNREFUSED, EACCES, EPERM, EMSGSIZE: .peerGone
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: .resource
        default: .ourBug
        }
    }

    /// Passes a non-negative result on; throws for -errno.
    @discardableResult
    static func check(_ result: Int32, _ call: StaticString) throws(SystemError) -> Int32 {
        if result < 0 { throw SystemError(code: -result, call: call) }
        return result
    }

    public var description: String {
        let text = strerror(code).map { String(cString: $0) } ?? "errno \(code)"
        return "\(call): \(text)"
    }

    public static func == (a: Self, b: Self) -> Bool { a.code == b.code }
}
