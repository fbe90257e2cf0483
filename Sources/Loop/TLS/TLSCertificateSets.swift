// TLSCertificateSets: which of the listener's certificates serve which name.
//
//   certificates             0: shop EC   1: shop RSA   2: *.shop EC
//   sets                     shop ─▶ [0, 1]             *.shop ─▶ [2]
//
// A name's set has the first certificate of each key type that bears it.
//
// Thread: a pure value.  Allocates: once, at start.

struct TLSCertificateSets {
    /// Positions of certificates by name, in lower case.
    let byName: [String: [Int]]
    /// Of the first certificate: with those that bear its first name in other types.
    let initial: [Int]

    /// - Parameter certificates: the names and the key type of each; at least one.
    init(_ certificates: [(names: [String], keyType: Int32)]) {
        var byName: [String: [Int]] = [:]
        for (position, certificate) in certificates.enumerated() {
            for name in certificate.names {
                let set = byName[name.lowercased(), default: []]
                let isNew = set.allSatisfy { certificates[$0].keyType != certificate.keyType }
                if isNew { byName[name.lowercased()] = set + [position] }
            }
        }
        self.byName = byName
        initial = certificates[0].names.first.flatMap { byName[$0.lowercased()] } ?? [0]
    }
}
