import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

@Suite("Broadcast") struct BroadcastTests {
    @Test func `each target reaches exactly its connections`() throws {
        let hub = try HubHarness()
        let people = ["ann", "ann", "bob", "Ann"]
        let clients = try people.map { try hub.connect("?user=\($0)") }
        let ids = try clients.map { try connectionID($0) }
        for (client, group) in zip(clients, ["g", "h", "g", "G"]) {
            _ = try client.call("Join", "\"\(group)\"")
        }
        _ = try clients[0].call("Join", "\"h\"")
        _ = try clients[0].call("Join", "\"g\"")

        let expectations: [(HubTarget, [Int])] = [
            (.all, [0, 1, 2, 3]), (.allExcept([ids[1], "x"]), [0, 2, 3]),
            (.connection(ids[2]), [2]), (.connection("x"), []),
            (.connections([ids[0], ids[3], "x"]), [0, 3]),
            (.group("g"), [0, 2]), (.group("none"), []), (.groups(["g", "h"]), [0, 2, 0, 1]),
            (.groupExcept("g", excluded: [ids[0]]), [2]),
            (.user("ann"), [0, 1]), (.user("nobody"), []), (.users(["bob", "Ann"]), [2, 3]),
        ]
        for (number, (target, _)) in expectations.enumerated() {
            hub.server.send(to: target, target: "N", arguments: [json("\(number)")])
        }
        hub.server.send(to: .all, target: "End", arguments: [])

        for (index, client) in clients.enumerated() {
            let expected = expectations.enumerated().flatMap { number, expectation in
                expectation.1.filter { $0 == index }.map { _ in
                    "{\"type\":1,\"target\":\"N\",\"arguments\":[\(number)]}"
                }
            }
            var seen: [String] = []
            while seen.last?.contains("End") != true { seen.append(try client.receiveRecord()) }
            #expect(seen.dropLast() == expected[...], "client \(index)")
        }
    }

    @Test func `a connection in its handshake hears nothing`() throws {
        let hub = try HubHarness()
        let shaking = try hub.open("?user=ann")
        let ready = try hub.connect("?user=ann")
        hub.server.send(to: .all, target: "A", arguments: [])
        hub.server.send(to: .user("ann"), target: "U", arguments: [])
        #expect(try ready.receiveRecord().contains("A"))
        #expect(try ready.receiveRecord().contains("U"))

        try shaking.send("{\"protocol\":\"json\",\"version\":1}\u{1E}")
        #expect(try shaking.receiveRecord() == "{}")
        #expect(try shaking.call("Nothing").contains("null"))
    }

    @Test func `who has left a group or the hub hears nothing more`() throws {
        let hub = try HubHarness()
        let (leaver, stayer, goner) = (try hub.connect(), try hub.connect(), try hub.connect())
        for client in [leaver, stayer, goner] { _ = try client.call("Join", "\"g\"") }
        _ = try leaver.call("Leave", "\"g\"")
        _ = try leaver.call("Leave", "\"never\"")
        try goner.close()
        _ = hub.ends(1)

        hub.server.send(to: .group("g"), target: "G", arguments: [])

        #expect(try stayer.receiveRecord().contains("G"))
        #expect(try leaver.call("Nothing").contains("null"))
    }

    @Test func `a group may be joined and left from outside`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        let id = try connectionID(client)
        let doneCount = Monitor(0)
        let note: @Sendable (BackplaneError?) -> Void = { _ in doneCount.update { $0 += 1 } }
        hub.server.join(connectionID: id, group: "g", done: note)
        hub.server.join(connectionID: "x", group: "g")
        _ = doneCount.wait(atMost: .seconds(30)) { $0 == 1 ? true : nil }
        hub.server.send(to: .group("g"), target: "In", arguments: [])
        hub.server.leave(connectionID: id, group: "g", done: note)
        _ = doneCount.wait(atMost: .seconds(30)) { $0 == 2 ? true : nil }
        hub.server.send(to: .group("g"), target: "Out", arguments: [])
        hub.server.send(to: .all, target: "End", arguments: [])

        #expect(try client.receiveRecord().contains("In"))
        #expect(try client.receiveRecord().contains("End"))
    }

    @Test func `one that does not read is cut and holds up nobody`() throws {
        var options = HubOptions()
        options.outboundByteCountMax = 256 * 1024
        // A sanitizer makes this last longer than the pause before a ping, which would be read, too.
        options.keepAliveInterval = .seconds(600)
        let hub = try HubHarness(options: options)
        let slow = try hub.connect()
        let reader = try hub.connect()
        let argument = RawValue.string(String(repeating: "x", count: 60_000))

        for number in 0..<200 {
            hub.server.send(to: .all, target: "\(number)", arguments: [argument])
            #expect(try reader.receiveRecord().hasPrefix("{\"type\":1,\"target\":\"\(number)\""))
        }

        #expect(hub.ends(1) == [.slowClient])
        #expect(try reader.call("Nothing").contains("null"))
        withExtendedLifetime(slow) {}
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `a value that JSON cannot write ends the receivers in JSON, and no others`(
        value: Double
    ) throws {
        let hub = try HubHarness()
        let json = try hub.connect()
        let packed = try hub.open()
        try packed.send("{\"protocol\":\"messagepack\",\"version\":1}\u{1E}")
        #expect(try packed.receive()?.payload == Array("{}\u{1E}".utf8))

        hub.server.send(to: .all, target: "N", arguments: [try RawValue(encoding: value)])

        #expect(try json.receiveRecord() == "{\"type\":7}")
        #expect(try json.receive()?.closeCode == 1000)
        #expect(hub.ends(1) == [.aborted])
        let bits = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * $0)) }
        let record: [UInt8] = [0x96, 1, 0x80, 0xC0, 0xA1, 0x4E, 0x91, 0xCB] + bits + [0x90]
        #expect(try packed.receive()?.payload == [UInt8(record.count)] + record)
        // It lives.
        hub.server.send(to: .all, target: "N", arguments: [])
        #expect(try packed.receive()?.payload == [8, 0x96, 1, 0x80, 0xC0, 0xA1, 0x4E, 0x90, 0x90])
        #expect(hub.ends.update { $0 } == [.aborted])
    }

    @Test func `the backplane has a reference per connection, user and group, and gives all back`()
        throws
    {
        let backplane = CountingBackplane()
        let hub = try HubHarness(backplane: backplane)
        let first = try hub.connect("?user=ann")
        let second = try hub.connect("?user=ann")
        let id = try connectionID(first)
        _ = try first.call("Join", "\"g\"")
        _ = try first.call("Join", "\"g\"")
        _ = try second.call("Join", "\"g\"")
        _ = try second.call("Leave", "\"g\"")
        // Its notification comes through the mailbox, behind the joins and the leave.
        _ = try second.call("Again")
        #expect(try second.receiveRecord().contains("again"))

        #expect(backplane.counts[.connection(id)] == 1)
        #expect(backplane.counts[.user("ann")] == 2)
        #expect(backplane.counts[.group("g")] == 1)
        try first.close()
        try second.close()
        _ = hub.ends(2)
        #expect(backplane.counts.isEmpty)
    }

    @Test func `an encoded invocation is one frame around its record`() {
        let record = Array("{\"type\":1,\"target\":\"N\",\"arguments\":[1]}\u{1E}".utf8)
        let made = EncodedInvocation(
            target: "N", arguments: [json("1")], protocols: [.json])
        #expect(made.record(for: .json).map(Array.init) == record)
        #expect(made.frame(for: .json) == [0x81, UInt8(record.count)] + record)
        var received = EncodedInvocation()
        record.withUnsafeBytes { received.setRecord($0, for: .json) }
        #expect(received == made)
    }

    @Test func `headers are written in front of the target, and only if there are any`() {
        let made = EncodedInvocation(
            target: "N", arguments: [], headers: [Header("traceparent", "00-1-2-01")])
        let record =
            #"{"type":1,"headers":{"traceparent":"00-1-2-01"},"target":"N","arguments":[]}"#
        #expect(made.record(for: .json).map(Array.init) == Array(record.utf8) + [0x1E])
    }

    private func connectionID(_ client: WebSocketClient) throws -> String {
        let record = try client.call("WhoAmI")
        let start = try #require(record.firstRange(of: "\"result\":\""))
        return String(record[start.upperBound...].prefix { $0 != " " })
    }
}

/// Counts references; tells everybody that all is well.
private final class CountingBackplane: BackplaneDouble {
    private let references = Mutex<[BackplaneScope: Int]>([:])
    var counts: [BackplaneScope: Int] { references.withLock { $0 } }

    let isAvailable = true
    func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {}
    func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) { accepted(nil) }
    func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void) {
        references.withLock { counts in for scope in scopes { counts[scope, default: 0] += 1 } }
        ready()
    }
    func apply(
        _ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void
    ) { done(nil) }
    func unsubscribe(from scopes: [BackplaneScope]) {
        references.withLock { counts in
            for scope in scopes {
                counts[scope, default: 0] -= 1
                if counts[scope] == 0 { counts[scope] = nil }
            }
        }
    }
}
