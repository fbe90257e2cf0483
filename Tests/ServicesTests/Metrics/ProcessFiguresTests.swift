import Testing

@testable import Services

/// man 5 proc.
@Suite("ProcessFigures") struct ProcessFiguresTests {
    private static let stat =
        "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 7 0 12345 1048576 256"
        + " 18446744073709551615 1 1 0\n"
    private static let limits = """
        Limit                     Soft Limit           Hard Limit           Units
        Max processes             100                  100                  processes
        Max open files            20000                20001                files

        """
    private static let system = "cpu  1 2 3\nintr 5\nbtime 1763750000\nprocesses 9\n"

    private func read(
        stat: String = Self.stat, limits: String = Self.limits, system: String = Self.system
    ) -> ProcessFigures? {
        ProcessFigures(
            stat: stat, limits: limits, system: system, ticksPerSecond: 100, pageByteCount: 4096)
    }

    @Test func `the fields are found behind a name with blanks and parentheses`() throws {
        let figures = try #require(read())
        #expect(figures.processorSeconds == 2)
        #expect(figures.threadCount == 7)
        #expect(figures.startedAt == 1_763_750_123.45)
        #expect(figures.virtualByteCount == 1_048_576)
        #expect(figures.residentByteCount == 256 * 4096)
        #expect(figures.descriptorCountMax == 20_000)
    }

    @Test func `no limit is 0`() throws {
        let limits = "Max open files            unlimited            unlimited            files\n"
        #expect(try #require(read(limits: limits)).descriptorCountMax == 0)
    }

    @Test(arguments: ["", "4711", "4711 (a", "4711 (a) S 1 2", "4711 (a) S x x x x x x x"])
    func `what the kernel would not write is nothing`(stat: String) {
        #expect(read(stat: stat) == nil)
    }

    @Test func `without a boot time there are none`() {
        #expect(read(system: "cpu 1\n") == nil)
    }

    @Test func `this process has memory, threads and descriptors`() throws {
        let figures = try #require(ProcessFigures.now())
        #expect(figures.residentByteCount > 1 << 20)
        #expect(figures.residentByteCount < figures.virtualByteCount)
        #expect(figures.threadCount >= 1)
        #expect((3...figures.descriptorCountMax).contains(figures.descriptorCount))
        #expect(figures.startedAt > 1_700_000_000)
    }
}
