// NearestName: what the user probably meant, for errors about a name that does not exist.
//
// Thread: pure functions.  Allocates: two rows per comparison.
// Source: Damerau, "A technique for computer detection and correction of spelling errors", 1964
// (adjacent transposition counts as one slip).

/// Finds the closest of a set of names.
enum NearestName {
    /// The candidate with the fewest slips between it and `name`, regardless of case; nil if the
    /// best one needs more slips than a third of the name, because a wild guess misleads.
    static func of(_ name: String, among candidates: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let limit = max(1, wanted.count / 3)
        var best: (name: String, slips: Int)?
        for candidate in candidates {
            let slips = distance(wanted, Array(candidate.lowercased().utf8))
            if slips <= limit, slips < best?.slips ?? .max { best = (candidate, slips) }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforePrevious = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                var cost = min(
                    previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, beforePrevious[j - 1] + 1)
                }
                row.append(cost)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
