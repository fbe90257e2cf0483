import Loop
import Testing

@testable import Hub

@Suite("HubUploadBuffer") struct HubUploadBufferTests {
    private let roomCount = Monitor(0)
    private let events = Monitor<[HubUploadBuffer.Event]>([])

    @Test func `items come in order, whether the method waits or not, and the end is last`() {
        let buffer = make(capacity: 10)
        next(buffer)
        buffer.push(json("1"))
        buffer.push(json("2"))
        buffer.end(.finished)
        for _ in 0..<3 { next(buffer) }

        #expect(told() == [.item(json("1")), .item(json("2")), .finished, .finished])
    }

    @Test func `an end comes to a method that waits`() {
        let buffer = make(capacity: 1)
        next(buffer)
        buffer.end(.failed("x"))
        buffer.end(.finished)
        buffer.push(json("1"))
        next(buffer)
        #expect(told() == [.failed("x"), .failed("x")])
    }

    @Test func `the connection is stopped at capacity and told once of room`() {
        let buffer = make(capacity: 2)
        buffer.push(json("1"))
        #expect(!buffer.isFull)
        buffer.push(json("2"))
        buffer.push(json("3"))
        #expect(buffer.isFull)

        next(buffer)
        #expect(buffer.isFull && roomCount.withLock { $0 } == 0)
        next(buffer)
        #expect(!buffer.isFull && roomCount.withLock { $0 } == 1)
        next(buffer)
        #expect(roomCount.withLock { $0 } == 1)
        #expect(told() == ["1", "2", "3"].map { .item(json($0)) })
    }

    @Test func `a method that ends lets the connection go on`() {
        let buffer = make(capacity: 1)
        buffer.push(json("1"))
        buffer.drop()
        #expect(!buffer.isFull && roomCount.withLock { $0 } == 1)
        buffer.push(json("2"))
        #expect(!buffer.isFull)
    }

    private func make(capacity: Int) -> HubUploadBuffer {
        HubUploadBuffer(capacity: capacity) { [roomCount] in roomCount.update { $0 += 1 } }
    }

    private func next(_ buffer: HubUploadBuffer) {
        buffer.next { [events] event in events.update { $0.append(event) } }
    }

    private func told() -> [HubUploadBuffer.Event] { events.withLock { $0 } }
}
