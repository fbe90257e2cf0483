// ProxyClaims: a PROXY header is read the same whatever stands behind it, and not before all of it is
// here.
//
// Thread: any.  Allocates: never.  Source: "The PROXY protocol, versions 1 & 2" (HAProxy), §2.

import Loop

enum ProxyClaims {
    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        let whole = parse(bytes, bytes.count)
        var isRefused = false
        for count in 0..<min(bytes.count, ProxyHeader.byteCountMax) {
            switch parse(bytes, count) {
            case .incomplete:
                try require(!isRefused, "what is no header does not become one")
            case .violation:
                isRefused = true
            case .complete(let header):
                try require(header.byteCount <= count, "a header is not longer than what is here")
                try require(
                    whole == .complete(header), "what stands behind a header changes nothing")
                return
            }
        }
        switch whole {
        case .complete(let header):
            try require(!isRefused, "what is no header does not become one")
            try require(header.byteCount == bytes.count, "a header is known with its last byte")
        case .incomplete:
            try require(!isRefused, "what is no header does not become one")
            try require(bytes.count < ProxyHeader.byteCountMax, "a header has an end")
        case .violation: break
        }
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, _ count: Int
    ) -> ProxyHeader.ParseResult {
        let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        return ProxyHeader.parse(prefix.assumingMemoryBound(to: UInt8.self).span)
    }
}
