import Loop
import TestSupport
import Testing
import WS

@testable import Hub

/// permessage-deflate under the hub; the bytes themselves are tested in WSTests.
@Suite(.timeLimit(.minutes(1))) struct CompressionTests {
    private static let offer = "Sec-WebSocket-Extensions: permessage-deflate"
    private static let long = RawValue.string(String(repeating: "order ", count: 200))

    private static func compressing() -> HubOptions {
        var options = HubOptions()
        options.compression.isOn = true
        return options
    }

    private func open(
        _ hub: HubHarness, as hubProtocol: String, offering offer: String?
    ) throws -> WebSocketClient {
        let client = try WebSocketClient(
            to: hub.address, path: "/hub", fields: offer.map { [$0] } ?? [])
        try client.send("{\"protocol\":\"\(hubProtocol)\",\"version\":1}\u{1E}")
        #expect(try client.receive()?.payload == Array("{}\u{1E}".utf8))
        return client
    }

    @Test func `a broadcast is compressed once for all that agreed, and plain for the others`()
        throws
    {
        let hub = try HubHarness(options: Self.compressing())
        let agreed = try (0..<3).map { _ in try open(hub, as: "json", offering: Self.offer) }
        let plain = try open(hub, as: "json", offering: nil)

        hub.server.send(to: .all, target: "N", arguments: [Self.long])

        let frames = try agreed.map { try $0.receive() }
        let record = try #require(try plain.receive())
        let first = try #require(frames[0])
        #expect(first.isCompressed && first.opcode == 1)
        #expect(frames.allSatisfy { $0 == first })
        #expect(!record.isCompressed)
        let counters = try hub.counters()
        #expect(counters.compressedCount == 1)
        #expect(counters.compressionSavedByteCount == record.payload.count - first.payload.count)
        #expect(counters.deliveryCount == 4)
    }

    @Test func `each hub protocol has its own`() throws {
        let hub = try HubHarness(options: Self.compressing())
        let json = try open(hub, as: "json", offering: Self.offer)
        let packed = try open(hub, as: "messagepack", offering: Self.offer)

        hub.server.send(to: .all, target: "N", arguments: [Self.long])

        let frames = [try json.receive(), try packed.receive()]
        #expect(frames.map { $0?.opcode } == [1, 2])
        #expect(frames.allSatisfy { $0?.isCompressed == true })
        #expect(try hub.counters().compressedCount == 2)
    }

    @Test func `small messages are not compressed, and answers are if they are long`() throws {
        let hub = try HubHarness(options: Self.compressing())
        let client = try open(hub, as: "json", offering: Self.offer)

        hub.server.send(to: .all, target: "N", arguments: [])
        #expect(try client.receiveRecord() == "{\"type\":1,\"target\":\"N\",\"arguments\":[]}")
        let argument = String(repeating: "x", count: 1000)
        try client.send(
            "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"\(argument)\"]}"
                + "\u{1E}")

        let answer = try #require(try client.receive())
        #expect(answer.isCompressed)
        #expect(answer.payload.count < 200)
    }

    @Test func `a client with a small window gets plain what does not fit it`() throws {
        let hub = try HubHarness(options: Self.compressing())
        let small = try open(
            hub, as: "json", offering: Self.offer + "; server_max_window_bits=9")
        let large = try open(hub, as: "json", offering: Self.offer)

        hub.server.send(to: .all, target: "N", arguments: [Self.long])
        #expect(try small.receive()?.isCompressed == false)
        #expect(try large.receive()?.isCompressed == true)

        let argument = RawValue.string(String(repeating: "x", count: 400))
        hub.server.send(to: .all, target: "N", arguments: [argument])
        #expect(try small.receive()?.isCompressed == true)
        #expect(try large.receive()?.isCompressed == true)
        #expect(try hub.counters().compressedCount == 2)
    }

    @Test func `a slot is forgotten with its connection`() throws {
        let hub = try HubHarness(options: Self.compressing())
        for _ in 0..<3 {
            let agreed = try open(hub, as: "json", offering: Self.offer)
            try agreed.close()
        }
        _ = hub.ends(3)
        let plain = try open(hub, as: "json", offering: nil)

        hub.server.send(to: .all, target: "N", arguments: [Self.long])

        #expect(try plain.receive()?.isCompressed == false)
        #expect(try hub.counters().compressedCount == 0)
    }

    @Test func `off, an offer is not answered`() throws {
        let hub = try HubHarness()
        let client = try open(hub, as: "json", offering: Self.offer)

        hub.server.send(to: .all, target: "N", arguments: [Self.long])

        #expect(try client.receive()?.isCompressed == false)
    }
}
