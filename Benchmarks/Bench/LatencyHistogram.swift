// LatencyHistogram: counts of latencies, exact to about 3 %, in a fixed 16 KiB.
//
//   value   0 … 63         64 … 127       128 … 255      …     2^k … 2^(k+1) - 1
//   bucket  one per ns     32 of 2 ns     32 of 4 ns     …     32 of 2^(k-5) ns
//
// Thread: one.  Allocates: once, in init.  Source: the idea of HdrHistogram.

struct LatencyHistogram {
    private static let stepBitCount = 5
    /// Linear part, then 32 buckets for each power of two up to 2^63.
    private static let bucketCount = 64 + 58 * 32
    private var counts = [UInt64](repeating: 0, count: bucketCount)
    private(set) var totalCount: UInt64 = 0
    /// Nanoseconds.
    private(set) var maximum: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
        totalCount += 1
        maximum = max(maximum, nanoseconds)
    }

    /// The latency that the fraction `quantile` (0...1) of all stays at or below; 0 without any.
    func value(at quantile: Double) -> UInt64 {
        let wanted = UInt64((quantile * Double(totalCount)).rounded(.up))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            if seen >= wanted, count > 0 { return min(Self.upperBound(of: bucket), maximum) }
        }
        return maximum
    }

    private static func bucket(of value: UInt64) -> Int {
        if value < 64 { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        let step = Int(value >> UInt64(exponent - stepBitCount)) & 31
        return 64 + (exponent - 6) * 32 + step
    }

    private static func upperBound(of bucket: Int) -> UInt64 {
        if bucket < 64 { return UInt64(bucket) }
        let exponent = (bucket - 64) / 32 + 6
        let step = UInt64((bucket - 64) % 32)
        let width = UInt64(1) << UInt64(exponent - stepBitCount)
        return (32 + step) * width + width - 1
    }
}
