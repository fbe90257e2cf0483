// KeyRing: the authority's keys, as every loop sees them.
//
//   links loop ── install ──▶ [ snapshot ] ──▶ any loop, per token
//        ▲                                        │ a key that is not there
//        └────────────── refresh wanted ◀─────────┘
//
// A snapshot replaces the one before; while the authority is away the last one stays good.
//
// Thread: any.  Allocates: per snapshot.

import Synchronization

/// What the authority has told: who it is and which keys are its own.
struct TrustedKeys: Sendable {
    /// As its metadata says; tokens must name exactly this one.
    let issuer: String
    let set: JSONWebKeySet
    /// Differs from the one of every snapshot before: what was verified by an older one is verified
    /// anew.
    fileprivate(set) var version = 0
}

public final class KeyRing: Sendable {
    private struct State {
        var keys: TrustedKeys?
        var installCount = 0
    }

    private let state = Mutex(State())
    private let isRefreshWanted = Atomic<Bool>(false)

    public init() {}

    /// False until the authority's keys have come for the first time. Until then every token is
    /// refused, so a process that is not ready should get no clients.
    public var isReady: Bool { state.withLock { $0.keys != nil } }

    var keys: TrustedKeys? { state.withLock { $0.keys } }

    package func install(issuer: String, _ set: JSONWebKeySet) {
        state.withLock { state in
            state.installCount += 1
            state.keys = TrustedKeys(issuer: issuer, set: set, version: state.installCount)
        }
        isRefreshWanted.store(false, ordering: .relaxed)
    }

    /// A token has named a key that is not there. How many do changes nothing.
    func wantRefresh() { isRefreshWanted.store(true, ordering: .relaxed) }

    /// Whether somebody has, since the last call.
    func takeRefreshWish() -> Bool { isRefreshWanted.exchange(false, ordering: .relaxed) }
}
