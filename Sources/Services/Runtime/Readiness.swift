// Readiness: whether this process wants traffic.
//
//   ready ──▶ draining            by SIGTERM, for good
//     ▲ └───▶ not ready           while the draining file exists (a pre-stop hook makes it)
//
// Thread: any.  Allocates: never.

import Synchronization

public final class Readiness: Sendable {
    private let isDraining = Atomic<Bool>(false)
    private let drainingFile: String

    public init(drainingFile: String) { self.drainingFile = drainingFile }

    /// The process is going down; load balancers should look elsewhere.
    public func beginDraining() { isDraining.store(true, ordering: .relaxed) }

    /// One system call, on a path that stays in the kernel's cache.
    public var isReady: Bool {
        !isDraining.load(ordering: .relaxed) && !FileAccess.exists(drainingFile)
    }
}
