// ProcessSetup: what a server process does once, before its first thread.
//
// Thread: main, before any other.  Allocates: never.  Source: man 2 getrlimit, man 3 sigwaitinfo.

import CLinux
import Glibc

public enum ProcessSetup {
    /// Raises the soft descriptor limit to the hard one; returns the resulting ceiling.
    public static func raiseDescriptorLimit() throws(SystemError) -> Int {
        let limit = clinux_raise_descriptor_limit()
        if limit < 0 { throw SystemError(code: Int32(-limit), call: "setrlimit(RLIMIT_NOFILE)") }
        return Int(limit)
    }

    /// Processors that are online; at least 1.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// From here on SIGINT, SIGTERM and SIGHUP arrive only through `nextSignal`; SIGPIPE is ignored.
    public static func blockSignals() { clinux_block_signals() }

    public enum Signal: Equatable, Sendable { case interrupt, terminate, hangUp }

    /// Waits for the next signal, at most `timeout` (nil: for ever); nil after that.
    public static func nextSignal(atMost timeout: Duration? = nil) -> Signal? {
        let milliseconds = timeout.map { Int32(clamping: $0.milliseconds) } ?? -1
        while true {
            switch clinux_wait_signal(milliseconds) {
            case SIGINT: return .interrupt
            case SIGTERM: return .terminate
            case SIGHUP: return .hangUp
            case -EINTR: continue
            default: return nil
            }
        }
    }

    /// From here on SIGINT or SIGTERM ends the process at once, with the code that a shell gives to
    /// an end by that signal. Not by the signal itself: the first process of a container is immune.
    ///
    /// - Parameter complain: called before the end, on a thread of its own.
    public static func endAtNextSignal(_ complain: @escaping @Sendable () -> Void) {
        NativeThread(name: "second-signal") {
            var number: Int32?
            while number == nil {
                switch nextSignal() {
                case .terminate: number = SIGTERM
                case .interrupt: number = SIGINT
                case .hangUp, nil: continue
                }
            }
            complain()
            _exit(128 + number!)
        }.detach()
    }
}
