// Mutator: inputs that are nearly right, the same ones for the same numbers.
//
//   a seed ─▶ some of: flip a bit, set a byte that means something, insert, remove, repeat, cut,
//             splice with another seed
//
// The fuzzer has better ones and knows which lines they reach; these are for the tests.
//
// Thread: one.  Allocates: the inputs.

package struct Mutator<Random: RandomNumberGenerator> {
    private let seeds: [[UInt8]]
    private var random: Random

    /// Lengths and headers of MessagePack, JSON's signs, and the edges of numbers.
    private static var meaningful: [UInt8] {
        [
            0x00, 0x01, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBF, 0xC0, 0xC1,
            0xC4,
            0xC7, 0xCA, 0xCB, 0xCF, 0xD3, 0xD4, 0xD6, 0xD7, 0xD9, 0xDB, 0xDC, 0xDD, 0xDF, 0xE0,
            0xFF,
            0x1E, 0x20, 0x22, 0x2C, 0x2D, 0x2E, 0x30, 0x39, 0x3A, 0x5B, 0x5C, 0x5D, 0x65, 0x75,
            0x7B,
            0x7D,
        ]
    }

    package init(seeds: [[UInt8]], random: Random) {
        precondition(!seeds.isEmpty)
        self.seeds = seeds
        self.random = random
    }

    package mutating func next() -> [UInt8] {
        var input = seeds[below(seeds.count)]
        for _ in 0...below(4) { mutate(&input) }
        return input
    }

    private mutating func mutate(_ input: inout [UInt8]) {
        let position = below(input.count + 1)
        let end = min(input.count, position + 1 + below(8))
        switch below(8) {
        case 0 where position < input.count: input[position] ^= 1 << UInt8(below(8))
        case 1 where position < input.count: input[position] = meaningful()
        case 2: input.insert(meaningful(), at: position)
        case 3: input.removeSubrange(position..<end)
        case 4: input.insert(contentsOf: input[position..<end], at: position)
        case 5: input.removeSubrange(position...)
        case 6:
            let other = seeds[below(seeds.count)]
            input.replaceSubrange(position..., with: other[below(other.count + 1)...])
        default: input.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
        }
    }

    private mutating func meaningful() -> UInt8 {
        let bytes = Self.meaningful
        return bytes[below(bytes.count)]
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
}
