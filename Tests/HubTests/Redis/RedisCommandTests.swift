import Testing

@testable import Hub

@Suite("RedisCommand") struct RedisCommandTests {
    @Test func `arguments carry their length in bytes`() {
        let command = RedisCommand("SET", ["ключ", "", "a\r\nb"])
        #expect(
            String(decoding: command.bytes, as: UTF8.self)
                == "*4\r\n$3\r\nSET\r\n$8\r\nключ\r\n$0\r\n\r\n$4\r\na\r\nb\r\n")
    }

    @Test func `bytes, text and numbers can be appended one by one`() {
        var command = RedisCommand("PUBLISH", argumentCount: 3)
        command.append("c")
        command.append([0, 13, 255])
        #expect(command.missingArgumentCount == 1)
        command.append(Int64(-42))
        #expect(command.missingArgumentCount == 0)
        #expect(
            command.bytes
                == Array("*4\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$3\r\n".utf8) + [0, 13, 255]
                + Array("\r\n$3\r\n-42\r\n".utf8))
    }

    @Test(arguments: [9, 10, 99, 100, 12_345])
    func `lengths of any number of digits are right`(count: Int) {
        let argument = String(repeating: "x", count: count)
        let text = String(decoding: RedisCommand("GET", [argument]).bytes, as: UTF8.self)
        #expect(text == "*2\r\n$3\r\nGET\r\n$\(count)\r\n\(argument)\r\n")
    }
}
