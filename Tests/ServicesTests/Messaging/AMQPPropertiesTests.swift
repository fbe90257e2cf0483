import CRabbitMQ
import Testing

@testable import Services

@Suite("AMQPProperties") struct AMQPPropertiesTests {
    let arena = AMQPArena()

    @Test func `headers make the round trip`() throws {
        let headers = [
            "x-correlation-id": "id", "traceparent": "00-a-b-01", "baggage": "ü=1", "": "",
        ]
        let bytes = try #require(AMQPProperties.encode(headers, arena: arena))
        let read = decode(bytes)
        #expect(read.headers == headers)
        #expect(read.retryCount == 0)
    }

    /// Flags: content type, headers, delivery mode. Then JSON, an empty table, 2.
    @Test func `an empty header set is persistent JSON`() throws {
        let bytes = try #require(AMQPProperties.encode([:], arena: arena))
        #expect(
            bytes == [0xB0, 0x00, 16] + Array("application/json".utf8) + [0, 0, 0, 0] + [2])
    }

    @Test func `the retry count is written as a signed 32-bit integer`() throws {
        let bytes = try #require(AMQPProperties.encode(["x-retry-count": "2"], arena: arena))
        let table: [UInt8] = [13] + Array("x-retry-count".utf8) + [UInt8(ascii: "I"), 0, 0, 0, 2]
        #expect(bytes.suffix(table.count + 1).dropLast() == table[...])
        #expect(decode(bytes).retryCount == 2)
    }

    @Test func `a retry count is accepted in every form, and nonsense is 0`() {
        func count(_ kind: amqp_field_value_kind_t, _ set: (inout amqp_field_value_t) -> Void)
            -> Int
        {
            var value = amqp_field_value_t()
            value.kind = UInt8(kind.rawValue)
            set(&value)
            return decode(encode([("x-retry-count", value)])).retryCount
        }
        #expect(count(AMQP_FIELD_KIND_I32) { $0.value.i32 = 3 } == 3)
        #expect(count(AMQP_FIELD_KIND_I64) { $0.value.i64 = 4 } == 4)
        #expect(count(AMQP_FIELD_KIND_U8) { $0.value.u8 = 5 } == 5)
        #expect(count(AMQP_FIELD_KIND_UTF8) { $0.value.bytes = arena.bytes("6") } == 6)
        #expect(count(AMQP_FIELD_KIND_BYTES) { $0.value.bytes = arena.bytes("7") } == 7)
        #expect(count(AMQP_FIELD_KIND_UTF8) { $0.value.bytes = arena.bytes("many") } == 0)
        #expect(count(AMQP_FIELD_KIND_I32) { $0.value.i32 = -1 } == 0)
        #expect(count(AMQP_FIELD_KIND_VOID) { _ in } == 0)
        #expect(count(AMQP_FIELD_KIND_F64) { $0.value.f64 = 2 } == 0)
    }

    @Test func `a message without any properties has no headers`() {
        let read = decode([0, 0])
        #expect(read.headers.isEmpty && read.retryCount == 0)
    }

    @Test func `a retry keeps content type and foreign headers with their types`() throws {
        var number = amqp_field_value_t()
        number.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
        number.value.i64 = 1 << 40
        let received = encode(
            [("n", number), ("x-retry-count", text("1"))], contentType: "application/x-foreign")

        let again = try #require(
            AMQPProperties.encode(received, setting: [("x-retry-count", .integer(2))], arena: arena)
        )

        #expect(String(decoding: again, as: UTF8.self).contains("application/x-foreign"))
        #expect(decode(again).headers == ["n": "1099511627776"])
        #expect(decode(again).retryCount == 2)
        // One only, and typed as before: 'l', eight bytes.
        #expect(again.firstRange(of: [UInt8(ascii: "n"), UInt8(ascii: "l"), 0, 0, 1, 0]) != nil)
        let name = Array("x-retry-count".utf8)
        #expect(again.ranges(of: name).count == 1)
    }

    @Test func `names longer than 255 bytes and headers beyond 32 KiB are refused`() {
        let name = String(repeating: "n", count: 255)
        #expect(AMQPProperties.encode([name: ""], arena: arena) != nil)
        #expect(AMQPProperties.encode([name + "n": ""], arena: arena) == nil)
        // Flags, content type, delivery mode, table and field heads are 2 + 17 + 1 + 4 + 7 bytes.
        let room = AMQPProperties.byteCountMax - 31
        #expect(AMQPProperties.encode(["n": spaces(room)], arena: arena) != nil)
        #expect(AMQPProperties.encode(["n": spaces(room + 1)], arena: arena) == nil)
    }

    // MARK: Helping hands

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    private func text(_ text: String) -> amqp_field_value_t {
        var value = amqp_field_value_t()
        value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
        value.value.bytes = arena.bytes(text)
        return value
    }

    private func encode(
        _ fields: [(String, amqp_field_value_t)], contentType: String? = nil
    ) -> [UInt8] {
        var properties = amqp_basic_properties_t()
        properties._flags = UInt32(AMQP_BASIC_HEADERS_FLAG)
        properties.headers = arena.table(
            entries: fields.map { amqp_table_entry_t(key: arena.bytes($0), value: $1) })
        if let contentType {
            properties._flags |= UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG)
            properties.content_type = arena.bytes(contentType)
        }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = buffer.withUnsafeMutableBytes {
            amqp_encode_properties(
                UInt16(AMQP_BASIC_CLASS), &properties,
                amqp_bytes_t(len: $0.count, bytes: $0.baseAddress))
        }
        return Array(buffer[..<Int(count)])
    }

    private func decode(_ bytes: [UInt8]) -> (headers: [String: String], retryCount: Int) {
        var decoded: UnsafeMutableRawPointer?
        let result = amqp_decode_properties(
            UInt16(AMQP_BASIC_CLASS), arena.pool, arena.bytes(bytes), &decoded)
        precondition(result >= 0)
        return AMQPProperties.read(
            decoded!.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee)
    }
}
