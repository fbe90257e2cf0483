// CrowdWatch: notices that very many connections have gone, and that no more are going.
//
//   5,500 ──▶ 3,000 ──▶ 600 ──▶ 600: the crowd has left, once
//
// Thread: a pure value.  Allocates: never.

struct CrowdWatch {
    /// Fewer leave nothing behind that is worth a look.
    static let connectionCountMin = 1000

    /// The most since the last crowd has left.
    private var peak = 0
    private var before = 0

    /// Called once a second with the connections open now.
    mutating func hasLeft(openCount: Int) -> Bool {
        defer { before = openCount }
        peak = max(peak, openCount)
        guard peak - openCount >= Self.connectionCountMin, openCount >= before else { return false }
        peak = openCount
        return true
    }
}
