import Testing

@testable import Measure

@Suite struct QuantityTests {
    @Test(arguments: [
        (0, "0 ns"), (999, "999 ns"), (999.5, "1.00 µs"), (1234, "1.23 µs"), (12_345, "12.3 µs"),
        (999_499, "999 µs"), (999_500, "1.00 ms"), (25e6, "25.0 ms"), (64e9, "64.0 s"),
        (3600e9, "3600 s"),
    ]) func `a time has three digits and the unit that fits`(nanoseconds: Double, text: String) {
        #expect(Quantity.time(nanoseconds) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1023, "1.00 KiB"), (14_643, "14.3 KiB"),
        (24 << 30, "24.0 GiB"),
        (3 << 50, "3072 TiB"),
    ]) func `bytes count in powers of 1024`(count: Int, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test(arguments: [
        (0, "0"), (7, "7"), (9.314, "9.31"), (0.0123, "0.0123"), (113_204.6, "113,205"),
        (-1_234_567, "-1,234,567"), (.infinity, "inf"), (1e300, "1e+300"),
    ]) func `a plain figure is grouped or has three digits`(value: Double, text: String) {
        #expect(Quantity.plain(value) == text)
    }

    @Test(arguments: [(0.5, "500 ms"), (3, "3 s"), (90, "90 s"), (600, "10 min")])
    func `a length of time is written as one asks for it`(seconds: Double, text: String) {
        #expect(Quantity.duration(seconds: seconds) == text)
    }

    @Test(arguments: [
        (1.005, 0, "1"), (-1.25, 1, "-1.3"), (0.05, 1, "0.1"), (-0.04, 1, "0.0"),
        (12, 3, "12.000"), (1e17, 3, "1e+17"), (.nan, 2, "nan"),
    ]) func `a fixed number of places is rounded`(value: Double, places: Int, text: String) {
        #expect(Numeral.fixed(value, places) == text)
    }
}

@Suite struct SparklineTests {
    @Test func `the highest value has the full bar, and nothing has none`() {
        #expect(Sparkline.text([0, 1, 4, 8], width: 10) == " ▁▄█")
        #expect(Sparkline.text([0, 0], width: 10) == "  ")
        #expect(Sparkline.text([], width: 10) == "")
    }

    @Test func `a peak survives being put together with its neighbours`() {
        var values = [Double](repeating: 1, count: 1000)
        values[501] = 8
        let text = Sparkline.text(values, width: 10)
        #expect(text.count == 10)
        #expect(text.filter { $0 == "█" }.count == 1)
    }
}

@Suite struct UTCTimeTests {
    @Test func `a moment is written in both forms`() {
        let time = UTCTime(secondsSince1970: 1_441_812_279)
        #expect(time.text == "2015-09-09T15:24:39Z")
        #expect(time.dateText == "Wed Sep 09 15:24:39 UTC 2015")
    }
}
