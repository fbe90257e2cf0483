// Liveness: whether anything is left to hope for without a restart.
//
//   alive ──▶ stuck         a loop has not turned for 30 s (LoopWatch)
//     └─────▶ disk failed   a sync of the embedded database has failed (SQLiteLog)
//
// Nothing that is outside counts: a restart would not mend it.
//
// Thread: any.  Allocates: never.

import Loop

public struct Liveness: Sendable {
    public enum State: Equatable, Sendable {
        case alive
        case stuck(loopCount: Int)
        case diskFailed
    }

    private let watch: LoopWatch
    private let disks: [LinkStatus]

    /// - Parameter disks: of the embedded databases.
    public init(watch: LoopWatch, disks: [LinkStatus] = []) {
        self.watch = watch
        self.disks = disks
    }

    public var state: State {
        let stuckCount = watch.stuckCount
        if stuckCount > 0 { return .stuck(loopCount: stuckCount) }
        return disks.allSatisfy(\.isUp) ? .alive : .diskFailed
    }
}
