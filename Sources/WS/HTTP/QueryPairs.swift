// QueryPairs: the parameters of a query, where they stand in the bytes of the head.
//
//   id=7&&access_token=eyJ…&debug
//   name, value              name without a value: the empty one
//
// By bytes, because the token among them is long, and a walk by characters is dear.
//
// Thread: a pure value.  Allocates: never.  Source: WHATWG URL, application/x-www-form-urlencoded.

/// Names and values, not decoded; empty parameters are left out.
struct QueryPairs: Sequence, IteratorProtocol {
    private let query: ArraySlice<UInt8>
    /// Where the next parameter begins; behind the end when there is none.
    private var start: Int

    init(_ query: ArraySlice<UInt8>) {
        self.query = query
        start = query.startIndex
    }

    mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        while start < query.endIndex {
            let pair = query[start..<(query[start...].firstIndex(of: 0x26) ?? query.endIndex)]
            start = pair.endIndex + 1
            if pair.isEmpty { continue }
            guard let nameEnd = pair.firstIndex(of: 0x3D) else {
                return (pair, pair[pair.endIndex...])
            }
            return (pair[..<nameEnd], pair[(nameEnd + 1)...])
        }
        return nil
    }
}
