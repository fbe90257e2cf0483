// RandomSource: unpredictable bytes, behind a seam that the simulation can replace by a seed.
//
// Thread: any.  Allocates: never.  Source: man 2 getrandom.

import CLinux

/// Where the program gets its randomness from.
public protocol RandomSource: Sendable {
    /// Fills the whole buffer.
    func fill(_ bytes: UnsafeMutableRawBufferPointer)
}

/// The kernel's generator; fit for keys and tokens.
public struct SystemRandom: RandomSource {
    public init() {}

    public func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var filled = 0
        while filled < bytes.count {
            // getrandom fails only before the kernel's pool is seeded or on a bad pointer; a server
            // without randomness must not hand out tokens.
            let n = clinux_random(bytes.baseAddress! + filled, bytes.count - filled)
            precondition(n > 0 || n == -Int(EINTR), "getrandom failed with errno \(-n)")
            filled += max(0, n)
        }
    }
}

extension RandomSource {
    /// 16 bytes as two words.
    public func words128() -> (UInt64, UInt64) {
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { fill($0) }
        return words
    }

    /// `count` bytes.
    public func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    /// A number in `0..<bound`, uniform.
    public func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0)
        // Values under `threshold` would make the low remainders more likely.
        let threshold = (0 &- bound) % bound
        while true {
            let word = words128().0
            if word >= threshold { return word % bound }
        }
    }
}
