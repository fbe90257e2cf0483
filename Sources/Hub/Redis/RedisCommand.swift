// RedisCommand: one command as it goes over the wire.
//
//   *3\r\n $7\r\nPUBLISH\r\n $5\r\nnotes\r\n $2\r\nhi\r\n
//   count  each argument with its length in bytes, so that it may hold anything
//
// Thread: a pure value.  Allocates: its bytes, once if the reserve suffices.
// Source: Redis serialization protocol, RESP2, "Sending commands to a Redis server".

public struct RedisCommand: Sendable, Equatable {
    public private(set) var bytes: [UInt8] = []
    /// Arguments announced and not yet appended; zero in a command that may be sent.
    private(set) var missingArgumentCount: Int

    /// A command whose arguments are appended one by one.
    ///
    /// - Parameters:
    ///   - argumentCount: of all arguments, the name not included.
    ///   - byteCount: room to reserve for the arguments' own bytes.
    public init(_ name: StaticString, argumentCount: Int, byteCount: Int = 64) {
        missingArgumentCount = argumentCount + 1
        // Each argument brings its length (up to seven digits) and five bytes of syntax.
        bytes.reserveCapacity(byteCount + 12 * (argumentCount + 2) + name.utf8CodeUnitCount)
        appendHead("*", argumentCount + 1)
        append(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    public init(_ name: StaticString, _ arguments: [String] = []) {
        let byteCount = arguments.reduce(0) { $0 + $1.utf8.count }
        self.init(name, argumentCount: arguments.count, byteCount: byteCount)
        for argument in arguments { append(argument) }
    }

    public mutating func append(_ argument: UnsafeRawBufferPointer) {
        precondition(missingArgumentCount > 0, "more arguments than announced")
        missingArgumentCount -= 1
        appendHead("$", argument.count)
        bytes.append(contentsOf: argument)
        endLine()
    }

    public mutating func append(_ argument: [UInt8]) { argument.withUnsafeBytes { append($0) } }

    public mutating func append(_ argument: String) {
        var text = argument
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(_ number: Int64) { append(String(number)) }

    private mutating func appendHead(_ mark: Unicode.Scalar, _ count: Int) {
        bytes.append(UInt8(ascii: mark))
        appendDecimal(count)
        endLine()
    }

    private mutating func appendDecimal(_ number: Int) {
        if number >= 10 { appendDecimal(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private mutating func endLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}
