// ValueMethods: what goes in and what comes out.
//
// Thread: the loops, as nothing here waits.

import Hub
import WS

struct Point: Codable {
    var x: Int
    var y: Int
    var label: String?
}

extension HubMethods {
    mutating func addValueMethods() {
        method("Nothing") { call in }
        method("Echo") { (call, x: RawValue) in x }
        method("Add") { (call, a: Int, b: Int) in
            // Wraps around: a client must not be able to end the process.
            a &+ b
        }
        method("Divide") { (call, a: Double, b: Double) in a / b }
        method("Concat2") { (call, a: String, b: String) in a + b }
        method("Length") { (call, list: [Int]) in list.count }
        method("Point") { (call, p: Point) in Point(x: p.y, y: p.x, label: p.label) }
        method("NewName", oldName)
        method("ConnectionId") { call in call.caller.connectionID }
        method("UserId") { call in call.caller.userID }
        method("HasHttp") { call in call.caller.request?.query("key") ?? "" }
    }
}

/// A function may be a method too, by any name.
@Sendable private func oldName(_ call: HubCall) -> String { "renamed" }
