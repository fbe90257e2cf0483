// MicroReport: the results as a document for programs.
//
// Thread: a pure value.  Allocates: the document; only when nothing is measured any more.

import FoundationEssentials

struct MicroReport: Codable, Equatable, Sendable {
    static let currentSchema = "contoso-bench-micro/1"

    var schema = MicroReport.currentSchema
    var cases: [MicroResult]

    init(cases: [MicroResult]) { self.cases = cases }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
