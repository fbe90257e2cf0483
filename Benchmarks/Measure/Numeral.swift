// Numeral: numbers as text with a fixed number of places, without Foundation.
//
// Thread: pure functions.  Allocates: the text.

public enum Numeral {
    /// Rounded half away from zero. A number too large for it (10^18 / 10^places) or not finite is
    /// written the way Swift writes it.
    /// - Parameter places: behind the point, 0 to 12.
    public static func fixed(_ value: Double, _ places: Int) -> String {
        let scale = power(places)
        let scaled = (value * Double(scale)).rounded()
        guard scaled.magnitude < 1e18 else { return "\(value)" }
        let (whole, fraction) = Int(scaled).magnitude.quotientAndRemainder(dividingBy: scale)
        let sign = scaled < 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(whole)" }
        let digits = String(fraction)
        let zeros = String(repeating: "0", count: places - digits.utf8.count)
        return "\(sign)\(whole).\(zeros)\(digits)"
    }

    /// With a comma between thousands: 1,234,567.
    public static func grouped(_ value: Int) -> String {
        var text = ""
        let digits = String(value.magnitude)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return value < 0 ? "-\(text)" : text
    }

    private static func power(_ places: Int) -> UInt {
        precondition((0...12).contains(places))
        return (0..<places).reduce(1) { power, _ in power * 10 }
    }
}
