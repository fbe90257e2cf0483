import Loop
import Testing
import TestSupport
import WS

@testable import Hub

/// What becomes of a client that does not read, by `HubOptions.slowClient`.
@Suite("Slow clients", .timeLimit(.minutes(2))) struct SlowClientTests {
    private func options(_ policy: SlowConsumerPolicy) -> HubOptions {
        var options = HubOptions()
        options.slowClient = policy
        options.outboundByteCountMax = 256 * 1024
        options.waitingByteCountMax = 256 * 1024
        // "3:…" is about 3.
        options.subject = { _, arguments in
            let text = try? arguments.first?.decode(as: String.self)
            return text?.split(separator: ":").first.map(String.init)
        }
        // The slow client reads again after the test has looked at the others.
        options.webSocket.closeTimeout = .seconds(60)
        return options
    }

    /// However slowly this machine runs the test, it is not the stall that ends a client.
    private let patient = {
        var limits = Limits()
        limits.writeStallTimeout = .seconds(600)
        return limits
    }()

    private static let padding = String(repeating: "x", count: 30_000)

    /// Sends numbered pushes to everybody, each when `reader` has the one before.
    private func push(
        _ count: Int, from hub: HubHarness, to reader: WebSocketClient,
        about subject: (Int) -> String = { "\($0)" }
    ) throws {
        for number in 0..<count {
            hub.server.send(
                to: .all, target: "\(number)",
                arguments: [.string("\(subject(number)):\(Self.padding)")])
            #expect(try reader.receiveRecord().hasPrefix("{\"type\":1,\"target\":\"\(number)\""))
        }
    }

    /// The number of a push; nil for anything else.
    private func number(_ record: String) -> Int? {
        let beginning = "{\"type\":1,\"target\":\""
        return record.hasPrefix(beginning)
            ? Int(record.dropFirst(beginning.count).prefix { $0 != "\"" }) : nil
    }

    private func records(_ client: WebSocketClient, until isLast: (String) -> Bool) throws
        -> [String]
    {
        var records: [String] = []
        while records.last.map(isLast) != true { records.append(try client.receiveRecord()) }
        return records
    }

    @Test func `close: it hears that it may reconnect, in place of what waited`() throws {
        let hub = try HubHarness(options: options(.close), limits: patient)
        let (slow, reader) = (try hub.connect(), try hub.connect())

        try push(120, from: hub, to: reader)

        #expect(hub.ends(1) == [.slowClient])
        let heard = try records(slow) { number($0) == nil }
        #expect(heard.last == "{\"type\":7,\"allowReconnect\":true}")
        // Whole pushes in order, none missing in between.
        let numbers = heard.dropLast().map { number($0) }
        #expect(numbers == Array(0..<numbers.count))
        #expect(try slow.receive()?.closeCode == 1000)
        #expect(try hub.counters().endedCountByReason == [.slowClient: 1])
        #expect(try reader.call("Nothing").contains("null"))
    }

    @Test func `drop-oldest: it misses some, whole, has the newest, and stays`() throws {
        let hub = try HubHarness(options: options(.dropOldest), limits: patient)
        let (slow, reader) = (try hub.connect(), try hub.connect())

        try push(120, from: hub, to: reader)

        let numbers = try records(slow) { number($0) == 119 }.map { try #require(number($0)) }
        #expect(numbers == numbers.sorted())
        #expect(numbers.count < 120)
        #expect(try slow.call("Nothing").contains("null"))
        #expect(hub.ends.withLock { $0 } == [])
    }

    @Test func `drop-oldest: an answer is never left out`() throws {
        let hub = try HubHarness(options: options(.dropOldest), limits: patient)
        let (slow, reader) = (try hub.connect(), try hub.connect())
        try push(100, from: hub, to: reader)
        try slow.send(
            "{\"type\":1,\"invocationId\":\"7\",\"target\":\"Nothing\",\"arguments\":[]}\u{1E}")

        try push(120, from: hub, to: reader)

        let heard = try records(slow) { number($0) == 119 }
        #expect(heard.count { $0.hasPrefix("{\"type\":3,\"invocationId\":\"7\"") } == 1)
    }

    @Test func `coalesce: of each subject it has the newest, and stays`() throws {
        let hub = try HubHarness(options: options(.coalesce), limits: patient)
        let (slow, reader) = (try hub.connect(), try hub.connect())

        try push(120, from: hub, to: reader) { "\($0 % 3)" }

        let numbers = try records(slow) { number($0) == 119 }.map { try #require(number($0)) }
        #expect(numbers == numbers.sorted())
        #expect(numbers.suffix(3) == [117, 118, 119])
        #expect(numbers.count < 120)
        #expect(try slow.call("Nothing").contains("null"))
    }

    @Test func `coalesce: too much about too many ends it`() throws {
        let hub = try HubHarness(options: options(.coalesce), limits: patient)
        let (slow, reader) = (try hub.connect(), try hub.connect())

        try push(120, from: hub, to: reader)

        #expect(hub.ends(1) == [.slowClient])
        #expect(
            try records(slow) { number($0) == nil }.last
                == "{\"type\":7,\"allowReconnect\":true}")
    }

    @Test func `one that never reads again is cut, and it counts as slow all the same`() throws {
        var limits = Limits()
        limits.writeStallTimeout = .seconds(1)
        var options = options(.close)
        // It is the stall that ends it.
        options.outboundByteCountMax = 16 << 20
        let hub = try HubHarness(options: options, limits: limits)
        let (slow, reader) = (try hub.connect(), try hub.connect())

        try push(120, from: hub, to: reader)

        #expect(hub.ends(1) == [.slowClient])
        withExtendedLifetime(slow) {}
    }
}
