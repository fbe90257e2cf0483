import TestSupport
import Testing

@testable import Loop

/// Where a connection comes from, and when TCP is there.
@Suite(.timeLimit(.minutes(1))) struct DialSourceTests {
    /// Answers each message with the address it came from.
    private final class AddressTeller: ConnectionHandler {
        override func received(
            _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
        ) -> Int {
            connection.send(Array(connection.peerAddress.description.utf8))
            return bytes.count
        }
    }

    private func server() throws -> LoopHarness {
        try LoopHarness { _ in AddressTeller() }
    }

    private func origin(_ events: [DialEvent]) -> String? {
        guard case .received(let bytes) = events.last else { return nil }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
    }

    @Test(arguments: ["127.0.0.9", "127.3.2.1"])
    func `a connection comes from the address its endpoint names`(source: String) throws {
        let server = try server()
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port, source: source))

        #expect(origin(harness.events(2)) == source)
    }

    @Test func `without one the kernel chooses`() throws {
        let server = try server()
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))

        #expect(origin(harness.events(2)) == "127.0.0.1")
    }

    @Test func `many connections may share a source address`() throws {
        let server = try server()
        let harness = try DialHarness()

        for _ in 0..<20 {
            harness.dial(Endpoint(host: "127.0.0.1", port: server.port, source: "127.0.0.9"))
        }

        #expect(harness.events(40).filter { $0 == .opened }.count == 20)
    }

    @Test func `an address of another machine fails the dial, and the slot is free again`() throws {
        let server = try server()
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port, source: "192.0.2.1"))

        #expect(harness.events(1).map(\.failure?.kind) == [.noResources])
        #expect(harness.becomesEmpty())
    }

    @Test func `a source that is no address fails the dial, and the error names it`() throws {
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: 1, source: "localhost"))

        #expect(
            harness.events(1).map(\.failure?.description) == [
                "cannot connect to 127.0.0.1:1: the source localhost is no numeric address"
            ])
    }
}
