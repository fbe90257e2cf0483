// Quantity: figures as people read them: three digits, and the unit that fits.
//
// Thread: pure functions.  Allocates: the text.

public enum Quantity {
    /// A time: "850 ns", "12.3 µs", "1.20 ms", "64.0 s".
    /// - Parameter nanoseconds: not negative.
    public static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999.5: "\(threeDigits(nanoseconds, integral: true)) ns"
        case ..<999.5e3: "\(threeDigits(nanoseconds / 1e3)) µs"
        case ..<999.5e6: "\(threeDigits(nanoseconds / 1e6)) ms"
        default: "\(threeDigits(nanoseconds / 1e9)) s"
        }
    }

    public static func time(_ nanoseconds: UInt64) -> String { time(Double(nanoseconds)) }

    /// "512 B", "14.3 KiB", "1.20 GiB".
    public static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 999.5 { return "\(threeDigits(value, integral: unit == "B")) \(unit)" }
            value /= 1024
        }
        return "\(threeDigits(value)) TiB"
    }

    /// A figure of which nothing is known: thousands are grouped, others have three digits.
    public static func plain(_ value: Double) -> String {
        if !value.isFinite { return "\(value)" }
        if value.magnitude >= 999.5, value.magnitude < 1e15 {
            return Numeral.grouped(Int(value.rounded()))
        }
        return threeDigits(value, integral: value == value.rounded())
    }

    /// A length of time that somebody asked for: "500 ms", "90 s", "10 min".
    public static func duration(seconds: Double) -> String {
        if seconds < 1 { return "\(plain(seconds * 1000)) ms" }
        if seconds >= 120, seconds.truncatingRemainder(dividingBy: 60) == 0 {
            return "\(plain(seconds / 60)) min"
        }
        return "\(plain(seconds)) s"
    }

    private static func threeDigits(_ value: Double, integral: Bool = false) -> String {
        if integral { return Numeral.fixed(value, 0) }
        return switch value.magnitude {
        case ..<0.0995: Numeral.fixed(value, 4)
        case ..<9.995: Numeral.fixed(value, 2)
        case ..<99.95: Numeral.fixed(value, 1)
        default: Numeral.fixed(value, 0)
        }
    }
}
