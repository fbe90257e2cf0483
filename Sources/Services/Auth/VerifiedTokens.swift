// VerifiedTokens: tokens whose signature has been checked before.
//
//   SHA-256 of the token ──▶ [ young ] ──▶ principal      a hit in `old` moves to `young`;
//                            [ old   ]                    a full `young` becomes `old`
//
// A browser sends the same token with every request, and a check of a public key's signature costs
// some 50 µs (RSA, 2048 bits) to 2 ms (P-384) of a loop's time, the digest about two
// (docs/DECISIONS/0013). A token is found until it expires and as long as the keys are the ones that
// verified it.
//
// Thread: any, by a short lock.  Allocates: per new token, up to the bound.

import COpenSSL
import Loop
import Synchronization

final class VerifiedTokens: Sendable {
    /// The whole token's digest, so that one changed bit is another token.
    struct Digest: Hashable, Sendable {
        private let words: (UInt64, UInt64, UInt64, UInt64)

        init(_ token: [UInt8]) {
            var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &words) { buffer in
                _ = SHA256(token, token.count, buffer.bindMemory(to: UInt8.self).baseAddress)
            }
            self.words = words
        }

        static func == (a: Self, b: Self) -> Bool { a.words == b.words }

        func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
    }

    private struct Entry {
        let principal: Principal
        /// The last second at which it is good, our clock's tolerance included.
        let goodUntil: WallTime
    }

    private struct Generations {
        var young: [Digest: Entry] = [:]
        var old: [Digest: Entry] = [:]
        /// Of the keys all entries were verified with.
        var version = 0
    }

    private let generations = Mutex(Generations())
    private let countMax: Int

    /// - Parameter countMax: tokens remembered at most; each takes about 150 bytes.
    init(countMax: Int = 8192) { self.countMax = countMax }

    func find(_ digest: Digest, version: Int, at now: WallTime) -> Principal? {
        generations.withLock { generations in
            guard generations.version == version else { return nil }
            if let entry = generations.young[digest] {
                return now < entry.goodUntil ? entry.principal : nil
            }
            guard let entry = generations.old.removeValue(forKey: digest), now < entry.goodUntil
            else { return nil }
            add(entry, digest, to: &generations)
            return entry.principal
        }
    }

    func remember(_ principal: Principal, until goodUntil: WallTime, _ digest: Digest, version: Int)
    {
        generations.withLock { generations in
            // An older verification may come late; the newer keys have the say.
            if version < generations.version { return }
            if version > generations.version { generations = Generations(version: version) }
            add(Entry(principal: principal, goodUntil: goodUntil), digest, to: &generations)
        }
    }

    private func add(_ entry: Entry, _ digest: Digest, to generations: inout Generations) {
        if generations.young.count >= countMax / 2 {
            generations.old = generations.young
            generations.young = [:]
        }
        generations.young[digest] = entry
    }
}
