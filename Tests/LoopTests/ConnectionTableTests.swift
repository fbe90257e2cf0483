import Testing

@testable import Loop

@Suite struct ConnectionTableTests {
    @Test func `a token of a released slot finds nobody, even when the slot is in use again`() {
        var table = ConnectionTable(capacity: 1)
        let first = table.allocate()!
        let old = table.token(first)
        table.release(first)
        let second = table.allocate()!

        let isOldFound = table.find(old) != nil
        let isNewFound = table.find(table.token(second)) != nil

        #expect(second == first)
        #expect(!isOldFound)
        #expect(isNewFound)
    }

    @Test func `a full table gives nothing until a slot is released`() {
        var table = ConnectionTable(capacity: 2)
        let first = table.allocate()!
        let second = table.allocate()
        let third = table.allocate()
        table.release(first)
        let fourth = table.allocate()

        #expect(second != nil)
        #expect(third == nil)
        #expect(fourth == first)
    }

    @Test func `an ended connection is not found before its slot is released`() {
        var table = ConnectionTable(capacity: 1)
        let index = table.allocate()!
        table.pointer(index).pointee.flags.insert(.closed)

        let isFound = table.find(table.token(index)) != nil

        #expect(!isFound)
    }

    @Test func `generation zero is kept for the loop's own descriptors`() {
        var table = ConnectionTable(capacity: 1)
        let index = table.allocate()!
        table.pointer(index).pointee.generation = .max
        table.release(index)

        let generation = table.pointer(index).pointee.generation

        #expect(generation == 1)
    }
}
