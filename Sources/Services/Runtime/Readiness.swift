// Readiness: whether this process wants traffic.
//
//   ready ──▶ draining            by SIGTERM, for good
//     ▲ └───▶ not ready           while the draining file exists (a pre-stop hook makes it)
//     └─────▶ cut off             while a dependency has been away for longer than the grace time,
//                                 or until the token authority's keys are here
//
// A dependency that is away for a moment is no reason to move clients: they would all come back.
//
// Thread: any.  Allocates: only when something is away.

import Loop
import Synchronization

public final class Readiness: Sendable {
    /// Something that is needed and away.
    public struct Absence: Equatable, Sendable {
        public let name: String
        public let seconds: Int64
    }

    public enum State: Equatable, Sendable {
        case ready
        case draining
        case cutOff([Absence])
    }

    private let isDraining = Atomic<Bool>(false)
    private let drainingFile: String
    private let links: [LinkStatus]
    private let grace: Duration
    private let keys: KeyRing?
    private let time: any TimeSource

    /// - Parameters:
    ///   - links: what this process cannot serve clients without.
    ///   - grace: how long one of them may be away before it counts.
    ///   - keys: of the token authority; nil without one.
    public init(
        drainingFile: String, links: [LinkStatus] = [], grace: Duration = .zero,
        keys: KeyRing? = nil, time: any TimeSource = SystemTime()
    ) {
        self.drainingFile = drainingFile
        self.links = links
        self.grace = grace
        self.keys = keys
        self.time = time
    }

    /// The process is going down; load balancers should look elsewhere.
    public func beginDraining() { isDraining.store(true, ordering: .relaxed) }

    /// One system call, on a path that stays in the kernel's cache.
    public var state: State {
        if isDraining.load(ordering: .relaxed) || FileAccess.exists(drainingFile) {
            return .draining
        }
        let now = time.monotonicNow
        var away = links.filter { $0.outage(at: now) > grace }.map {
            Absence(name: $0.name.description, seconds: $0.outage(at: now).milliseconds / 1000)
        }
        if let keys, !keys.isReady { away.append(Absence(name: "authority", seconds: 0)) }
        return away.isEmpty ? .ready : .cutOff(away)
    }
}
