import Testing

@testable import Loop

@Suite struct CrowdWatchTests {
    private func seconds(_ counts: [Int]) -> [Bool] {
        var watch = CrowdWatch()
        return counts.map { watch.hasLeft(openCount: $0) }
    }

    @Test func `a crowd has left when no more are going, and is told once`() {
        #expect(
            seconds([5500, 3000, 600, 600, 600, 580])
                == [false, false, false, true, false, false])
    }

    @Test func `few are no crowd, and one that grows has not left`() {
        #expect(seconds([1500, 900, 900, 501, 501]) == Array(repeating: false, count: 5))
        #expect(seconds([0, 2000, 4000, 4000]) == Array(repeating: false, count: 4))
    }

    @Test func `a second crowd is told as well, also when others come meanwhile`() {
        #expect(
            seconds([2000, 100, 150, 3000, 1000, 1500])
                == [false, false, true, false, false, true])
    }
}
