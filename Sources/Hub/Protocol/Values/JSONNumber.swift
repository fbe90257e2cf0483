// JSONNumber: the text of a JSON number as a value, and back.
//
//   7, -1                ─▶ integer        18446744073709551615 ─▶ unsigned
//   1.5, 1e3, 2.0, -0    ─▶ double         1e999 ─▶ out of range
//
// A number of up to 19 digits whose power of ten is small needs one multiplication or division of two
// exact numbers, which rounds once and so correctly (Clinger's fast path). The rest is left to the
// standard library.
//
// Thread: pure functions.  Allocates: never for the fast path.
// Source: RFC 8259 §6; W. D. Clinger, "How to Read Floating Point Numbers Accurately".

enum JSONNumber {
    /// - Parameter text: a number that a scanner has checked.
    /// - Returns: nil if no finite floating-point number comes near it.
    static func value(of text: UnsafeBufferPointer<UInt8>) -> HubValue? {
        let parts = Parts(text)
        if parts.isInteger, let magnitude = parts.exactMagnitude {
            if !parts.isNegative { return HubValue(magnitude) }
            // Only a floating-point number keeps the sign of zero.
            if magnitude == 0 { return .double(-0.0) }
            if magnitude <= Int64.min.magnitude {
                return .integer(Int64(truncatingIfNeeded: 0 &- magnitude))
            }
        }
        return double(of: text, parts).map { .double($0) }
    }

    private static func double(of text: UnsafeBufferPointer<UInt8>, _ parts: Parts) -> Double? {
        // Up to 2^53 every integer is a floating-point number, and so are the powers up to 10^22.
        if let magnitude = parts.exactMagnitude, magnitude <= 1 << 53,
            parts.exponent.magnitude < powersOfTen.count
        {
            let power = powersOfTen[Int(parts.exponent.magnitude)]
            let value = Double(magnitude)
            let scaled = parts.exponent < 0 ? value / power : value * power
            return parts.isNegative ? -scaled : scaled
        }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// Sign, digits and power of ten.
    private struct Parts {
        var isNegative = false
        /// Without fraction and exponent.
        var isInteger = true
        /// All digits, without their point; nil if they do not fit.
        var exactMagnitude: UInt64? = 0
        var exponent = 0

        init(_ text: UnsafeBufferPointer<UInt8>) {
            var index = 0
            if text[0] == UInt8(ascii: "-") {
                isNegative = true
                index = 1
            }
            while index < text.count {
                let byte = text[index]
                index += 1
                if byte == UInt8(ascii: ".") {
                    isInteger = false
                } else if byte | 0x20 == UInt8(ascii: "e") {
                    isInteger = false
                    addExponent(text[index...])
                    return
                } else {
                    append(digit: byte - UInt8(ascii: "0"))
                    if !isInteger { exponent -= 1 }
                }
            }
        }

        private mutating func append(digit: UInt8) {
            guard let magnitude = exactMagnitude else { return }
            let (product, isTooMuch) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, isOver) = product.addingReportingOverflow(UInt64(digit))
            exactMagnitude = isTooMuch || isOver ? nil : sum
        }

        private mutating func addExponent(_ text: Slice<UnsafeBufferPointer<UInt8>>) {
            var (value, isNegative) = (0, false)
            for byte in text {
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "+"): break
                // What is larger is out of the fast path's range in any case.
                default: value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000)
                }
            }
            exponent += isNegative ? -value : value
        }
    }
}

extension JSONWriter {
    /// The shortest text that reads back as the same number; a whole one without a fraction.
    public mutating func double(_ value: Double) throws(HubValueError) {
        guard value.isFinite else { throw .notFinite }
        shortest(value.description)
    }

    /// The same for fewer digits.
    public mutating func float(_ value: Float) throws(HubValueError) {
        guard value.isFinite else { throw .notFinite }
        shortest(value.description)
    }

    private mutating func shortest(_ description: String) {
        raw(description.hasSuffix(".0") ? description.utf8.dropLast(2) : description.utf8[...])
    }
}
