import Testing

@testable import Hub

private struct OrdinaryError: Error, CustomStringConvertible {
    let description = "it broke"
}

private let streaming = "An error occurred on the server while streaming results."

@Suite("Typed streams") struct TypedStreamTests {
    @Test func `items are sent one by one and the end has no value`() async throws {
        let hub = HubStand { hub in
            hub.stream("Counter") { (call, count: Int) in
                AsyncStream { continuation in
                    for number in 0..<count { continuation.yield(number) }
                    continuation.finish()
                }
            }
        }
        let items = Noted<String>()

        #expect(try await hub.call("Counter", "4", output: taking(items)) == .void)
        #expect(items.values == ["0", "1", "2", "3"])
    }

    @Test func `an item is asked for when the one before is taken`() async throws {
        let asked = Noted<Int>()
        let hub = HubStand { hub in
            hub.stream("Endless") { call in
                AsyncStream {
                    asked.note(1)
                    return asked.values.count
                }
            }
        }
        let taken = Noted<@Sendable (Bool) -> Void>()
        let output = HubOutput { _, done in taken.note(done) }

        async let outcome = hub.call("Endless", output: output)
        await taken.first(1)[0](true)
        let second = await taken.first(2)[1]
        #expect(asked.values.count == 2)
        second(false)

        #expect(try await outcome == .void)
        #expect(asked.values.count == 2)
    }

    @Test(arguments: [
        ("Early", false, "An unexpected error occurred invoking 'M' on the server.", 0),
        (
            "Early", true,
            "An unexpected error occurred invoking 'M' on the server. OrdinaryError: it broke", 0
        ),
        ("Midway", false, streaming, 2),
        ("Midway", true, streaming + " OrdinaryError: it broke", 2),
        ("MidwayHub", false, streaming + " HubException: no more", 2),
        ("Unwritable", false, streaming, 0),
    ])
    func `an error is told by when it came`(
        name: String, details: Bool, told: String, count: Int
    ) async throws {
        @Sendable func two(_ error: any Error) -> AsyncThrowingStream<Int, any Error> {
            AsyncThrowingStream { continuation in
                continuation.yield(1)
                continuation.yield(2)
                continuation.finish(throwing: error)
            }
        }
        let hub = HubStand(details: details) { hub in
            hub.stream("Early") { call -> AsyncStream<Int> in throw OrdinaryError() }
            hub.stream("Midway") { call in two(OrdinaryError()) }
            hub.stream("MidwayHub") { call in two(HubException("no more")) }
            hub.stream("Unwritable") { call in
                AsyncStream { continuation in
                    continuation.yield(Unwritable())
                    continuation.finish()
                }
            }
        }
        let items = Noted<String>()

        #expect(hub.told(try await hub.call(name, output: taking(items))) == told)
        #expect(items.values.count == count)
    }

    @Test(arguments: ["Waits", "Throws", "Slow to begin"])
    func `a cancelled stream ends without an error, whatever its sequence does`(
        name: String
    ) async throws {
        let begun = Noted<String>()
        let hub = HubStand { hub in
            hub.stream("Waits") { call in
                AsyncStream<Int> {
                    begun.note("")
                    return try? await forever()
                }
            }
            hub.stream("Throws") { call in
                AsyncThrowingStream<Int, any Error> {
                    begun.note("")
                    _ = try? await forever()
                    throw OrdinaryError()
                }
            }
            hub.stream("Slow to begin") { call in
                begun.note("")
                _ = try await forever()
                return AsyncStream<Int> { nil }
            }
        }
        let cancellation = HubCancellation()
        async let outcome = hub.call(
            name, output: taking(Noted()), cancellation: cancellation)
        _ = await begun.first(1)
        cancellation.cancel()

        #expect(try await outcome == .void)
    }

    @Test func `cancelling tells the producer`() async throws {
        let ended = Noted<String>()
        let begun = Noted<String>()
        let hub = HubStand { hub in
            hub.stream("Produced") { call in
                AsyncStream<Int> { continuation in
                    continuation.onTermination = { _ in ended.note("ended") }
                    begun.note("begun")
                }
            }
        }
        let cancellation = HubCancellation()
        async let outcome = hub.call(
            "Produced", output: taking(Noted()), cancellation: cancellation)
        _ = await begun.first(1)
        cancellation.cancel()

        #expect(await ended.first(1) == ["ended"])
        #expect(try await outcome == .void)
    }

    @Test func `a stream may be made of an upload, in order`() async throws {
        let hub = HubStand { hub in
            hub.stream("EchoStream") { (call, items: HubUpload<RawValue>) in items }
        }
        let items = Noted<String>()

        let outcome = try await hub.call(
            "EchoStream", uploads: [upload("1", "\"a\"", "[null]")], output: taking(items))
        #expect(outcome == .void)
        #expect(items.values == ["1", "\"a\"", "[null]"])
    }
}
