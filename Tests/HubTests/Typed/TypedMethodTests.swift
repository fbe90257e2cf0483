import Testing

@testable import Hub

private struct Point: Codable {
    var x: Int
    var y: Int
    var label: String?
}

private struct InvalidOperationException: Error, CustomStringConvertible {
    let description: String
}

private let invoking = "An unexpected error occurred invoking 'M' on the server."
private let failed = "Failed to invoke 'M' due to an error on the server."

@Suite("Typed methods") struct TypedMethodTests {
    // MARK: Values

    @Test func `arguments become parameters and the value becomes the result`() async throws {
        let hub = HubStand { hub in
            hub.method("Add") { (call, a: Int, b: Int) in a + b }
            hub.method("Join3") { (call, a: String, b: Bool, c: Double) in "\(a) \(b) \(c)" }
            hub.method("Length") { (call, list: [Int]) in list.count }
            hub.method("Turn") { (call, p: Point) in Point(x: p.y, y: p.x, label: p.label) }
        }

        #expect(hub.told(try await hub.call("Add", "2", "3")) == "5")
        #expect(hub.told(try await hub.call("join3", "\"a\"", "true", "1.5")) == "\"a true 1.5\"")
        #expect(hub.told(try await hub.call("LENGTH", "[1,2]")) == "2")
        let turned = hub.told(try await hub.call("Turn", #"{"x":1,"y":2,"label":"a/b"}"#))
        #expect(turned.contains("\"x\":2") && turned.contains(#""label":"a/b""#))
    }

    @Test func `a method without a value answers null, waiting or not`() async throws {
        let hub = HubStand { hub in
            hub.method("Now") { call in }
            hub.method("Later") { call in await Task.yield() }
            hub.method("Valued") { call in
                await Task.yield()
                return 7
            }
        }

        #expect(try await hub.call("Now") == .void)
        #expect(try await hub.call("Later") == .void)
        #expect(hub.told(try await hub.call("Valued")) == "7")
    }

    @Test func `parameters and values may be optional`() async throws {
        let hub = HubStand { hub in
            hub.method("Same") { (call, text: String?) in text }
        }

        #expect(hub.told(try await hub.call("Same", "null")) == "null")
        #expect(hub.told(try await hub.call("Same", "\"x\"")) == "\"x\"")
    }

    @Test func `a raw value passes through as it was written`() async throws {
        let value = #"{"a":[1.50,-0,"\u00e9"],"b":null}"#
        let hub = HubStand { hub in
            hub.method("Echo") { (call, x: RawValue) in x }
            hub.method("Twice") { (call, x: RawValue) in [x, x] }
        }

        #expect(hub.told(try await hub.call("Echo", value)) == value)
        let both = try await hub.call("Twice", #"{"a":[true,null,"x"]}"#)
        #expect(hub.told(both) == #"[{"a":[true,null,"x"]},{"a":[true,null,"x"]}]"#)
    }

    // MARK: What does not fit

    @Test func `arguments of another type are told before the body runs`() async throws {
        let ran = Noted<String>()
        let hub = HubStand(details: true) { hub in
            hub.method("Now") { (call, a: Int) in ran.note("now") }
            hub.method("Later") { (call, a: Int) async in ran.note("later") }
        }

        await #expect(throws: BindingFailure.type) { try await hub.call("Now", "\"x\"") }
        let outcome = try await hub.call("Later", "1.5")
        #expect(outcome == .bindingFailed(.type))
        #expect(
            hub.told(outcome)
                == failed + " InvalidDataException: Error binding arguments. Make sure that the "
                + "types of the provided values match the types of the hub method being invoked.")
        #expect(ran.values.isEmpty)
    }

    @Test func `uploads are not counted among the arguments`() {
        let hub = HubStand { hub in
            hub.method("Mixed") { (call, a: HubUpload<Int>, b: String, c: HubUpload<String>) in }
        }

        #expect(hub.methods.find("mixed")?.arity == 1)
        #expect(hub.methods.find("mixed")?.uploadCount == 2)
    }

    @Test func `a name that is taken is a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            var hub = HubMethods()
            hub.method("Add") { (call, a: Int) in a }
            hub.method("add") { (call, a: Int, b: Int) in a + b }
        }
    }

    // MARK: Errors

    @Test(arguments: [
        ("Throw", false, invoking),
        ("Throw", true, invoking + " InvalidOperationException: it broke"),
        ("ThrowLater", false, invoking),
        ("ThrowLater", true, invoking + " InvalidOperationException: it broke"),
        ("ThrowHub", false, invoking + " HubException: it broke"),
        ("ThrowHub", true, invoking + " HubException: it broke"),
    ])
    func `an error is told by its kind and by whether details are on`(
        name: String, details: Bool, told: String
    ) async throws {
        let hub = HubStand(details: details) { hub in
            hub.method("Throw") { (call, text: String) in
                throw InvalidOperationException(description: text)
            }
            hub.method("ThrowLater") { (call, text: String) async throws in
                throw InvalidOperationException(description: text)
            }
            hub.method("ThrowHub") { (call, text: String) in throw HubException(text) }
        }

        #expect(hub.told(try await hub.call(name, "\"it broke\"")) == told)
    }

    @Test func `a value that cannot be encoded is an error of the method`() async throws {
        let hub = HubStand { hub in
            hub.method("Now") { call in Unwritable() }
            hub.method("Later") { call async in Unwritable() }
        }

        #expect(hub.told(try await hub.call("Now")) == invoking)
        #expect(hub.told(try await hub.call("Later")) == invoking)
    }

    // MARK: Where it runs, and until when

    @Test func `a closure without await has answered when it returns`() throws {
        let hub = HubStand { hub in
            hub.method("Now") { call in 1 }
        }
        let reply = HubReply { _ in Issue.record("it was answered later") }
        let method = try #require(hub.methods.find("now"))
        try method.body(
            HubCall(caller: hub.caller, target: "Now", arguments: HubArguments([]), reply: reply))

        #expect(reply.methodReturned().map(hub.told) == "1")
    }

    @Test func `cancelling a call cancels its task`() async throws {
        let hub = HubStand { hub in
            hub.method("Wait") { call in
                // Only its task's end ends this stream.
                for await _ in AsyncStream<Int>(unfolding: { try? await forever() }) {}
                return "\(Task.isCancelled) \(call.cancellation.isCancelled)"
            }
        }
        let cancellation = HubCancellation()
        async let outcome = hub.call("Wait", cancellation: cancellation)
        cancellation.cancel()

        #expect(hub.told(try await outcome) == "\"true true\"")
    }
}

/// Returns when the task is cancelled.
func forever() async throws -> Int {
    guard let value = await LateValue<Int>().value() else { throw CancellationError() }
    return value
}
