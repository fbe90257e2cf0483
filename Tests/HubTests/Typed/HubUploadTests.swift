import Testing

@testable import Hub

@Suite("HubUpload") struct HubUploadTests {
    @Test func `a method reads what its client streams up`() async throws {
        let hub = HubStand { hub in
            hub.method("Concat") { (call, parts: HubUpload<String>) in
                try await parts.reduce("", +)
            }
            hub.method("Sum") { (call, start: Int, numbers: HubUpload<Int>) in
                try await numbers.reduce(start, +)
            }
        }

        let beaned = upload(#""B""#, #""E""#, #""A""#, #""N""#, #""E""#, #""D""#)
        #expect(hub.told(try await hub.call("Concat", uploads: [beaned])) == "\"BEANED\"")
        #expect(hub.told(try await hub.call("Sum", "10", uploads: [upload("1", "2")])) == "13")
        #expect(hub.told(try await hub.call("Sum", "10", uploads: [upload()])) == "10")
    }

    @Test func `streams go to the parameters in their order`() async throws {
        let hub = HubStand { hub in
            hub.method("Three") {
                (call, a: HubUpload<String>, n: Int, b: HubUpload<String>, c: HubUpload<String>) in
                let third = try await c.reduce("", +)
                let first = try await a.reduce("", +)
                return "\(first)|\(try await b.reduce("", +))|\(third)|\(n)"
            }
        }

        let uploads = [upload("\"a\"", "\"b\""), upload(), upload("\"c\"")]
        #expect(hub.told(try await hub.call("Three", "7", uploads: uploads)) == "\"ab||c|7\"")
    }

    @Test func `items may be objects`() async throws {
        struct Item: Codable { let name: String }
        let hub = HubStand { hub in
            hub.method("Names") { (call, items: HubUpload<Item>) in
                var names: [String] = []
                for try await item in items { names.append(item.name) }
                return names
            }
        }

        let items = upload(#"{"name":"a"}"#, #"{"name":"b"}"#)
        #expect(hub.told(try await hub.call("Names", uploads: [items])) == #"["a","b"]"#)
    }

    @Test(arguments: [
        // An item that does not fit ends the reading, whatever comes behind it.
        (["1", "\"x\"", "2"], HubUploadBuffer.Event.finished, "1: Failed to bind Stream message."),
        (["1", "2"], .failed("it broke"), "3: it broke"),
        (
            [], .failed("The underlying connection was closed."),
            "0: The underlying connection was closed."
        ),
    ])
    func `what goes wrong is thrown to the reader, who may catch it`(
        items: [String], ending: HubUploadBuffer.Event, told: String
    ) async throws {
        let hub = HubStand { hub in
            hub.method("Catch") { (call, numbers: HubUpload<Int>) in
                var sum = 0
                do {
                    for try await number in numbers { sum += number }
                    return "finished"
                } catch let error as HubException {
                    return "\(sum): \(error.text)"
                }
            }
        }
        let buffer = HubUploadBuffer(capacity: 10)
        for item in items { buffer.push(json(item)) }
        buffer.end(ending)

        #expect(hub.told(try await hub.call("Catch", uploads: [buffer])) == "\"\(told)\"")
    }

    @Test func `an error that is not caught is the method's`() async throws {
        let hub = HubStand { hub in
            hub.method("Sum") { (call, numbers: HubUpload<Int>) in try await numbers.reduce(0, +) }
        }

        let broken = upload("1", ending: .failed("it broke"))
        #expect(try await hub.call("Sum", uploads: [broken]) == .hubException("it broke"))
    }

    @Test func `a method need not read its upload`() async throws {
        let hub = HubStand { hub in
            hub.method("Ignore") { (call, numbers: HubUpload<Int>) in 7 }
        }

        #expect(hub.told(try await hub.call("Ignore", uploads: [upload("\"x\"")])) == "7")
    }

    @Test func `reading again goes on behind the last item`() async throws {
        let hub = HubStand { hub in
            hub.method("FirstThenAll") { (call, numbers: HubUpload<Int>) in
                let first = try await numbers.first { _ in true }
                return [first ?? 0, try await numbers.reduce(0, +)]
            }
        }

        let numbers = upload("1", "2", "3")
        #expect(hub.told(try await hub.call("FirstThenAll", uploads: [numbers])) == "[1,5]")
    }

    @Test func `a cancelled call stops waiting for items, and loses none`() async throws {
        let buffer = HubUploadBuffer(capacity: 10)
        let numbers = HubUpload<Int>(reading: buffer)
        let reading = Task { try await numbers.first { _ in true } }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }

        buffer.push(json("1"))
        buffer.push(json("2"))

        #expect(try await numbers.first { _ in true } == 1)
        #expect(try await numbers.first { _ in true } == 2)
    }

    @Test func `a cancelled call still gets what is there`() async throws {
        let numbers = HubUpload<Int>(
            reading: upload("1", ending: .failed("The underlying connection was closed.")))
        let reading = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            #expect(try await numbers.first { _ in true } == 1)
            _ = try await numbers.first { _ in true }
        }

        await #expect(throws: HubException("The underlying connection was closed.")) {
            try await reading.value
        }
    }
}
