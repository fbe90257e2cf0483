// PageQuery: `?offset=0&size=12`, and nothing that is only nearly that.
//
// Thread: a pure value.  Source: the .NET system's paging: offset at least 0, size 1 to 100, both
// 32-bit; no clamping.

import WS

struct PageQuery: Equatable {
    static let sizeMax = 100

    let offset: Int
    let size: Int

    /// Nil if a parameter is no number or out of range.
    init?(_ request: Request, sizeDefault: Int) {
        guard let offset = Self.number(request.query("offset"), default: 0),
            let size = Self.number(request.query("size"), default: sizeDefault),
            offset >= 0, (1...Self.sizeMax).contains(size)
        else { return nil }
        self.offset = offset
        self.size = size
    }

    private static func number(_ text: String?, default value: Int) -> Int? {
        guard let text else { return value }
        return Int32(text).map(Int.init)
    }
}
