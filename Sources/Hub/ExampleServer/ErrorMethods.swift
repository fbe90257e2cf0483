// ErrorMethods: what a caller is told of errors, which depends on their type.
//
// Thread: the loops.

import Hub

/// Any error of ours; its name is what callers see with detailed errors on.
struct InvalidOperationException: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension HubMethods {
    mutating func addErrorMethods() {
        method("Throw") { (call, text: String) in throw InvalidOperationException(text) }
        method("ThrowHub") { (call, text: String) in throw HubException(text) }
    }
}
