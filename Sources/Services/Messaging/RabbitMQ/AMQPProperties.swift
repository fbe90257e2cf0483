// AMQPProperties: the header of a message, between our dictionary and AMQP's typed table.
//
//   publish:   headers ─────────────────────────────▶ table ─▶ bytes     content type, persistent
//   receive:   table ─▶ headers, retry count
//   retry:     bytes as received ─▶ table ─ x-retry-count + 1 ─▶ bytes   nothing else is touched
//
// Thread: any; one call at a time per arena.  Allocates: the result.
// Source: AMQP 0-9-1 §4.2.6.1; RabbitMQ "Protocol errata" (types of field values).

import CRabbitMQ

enum AMQPProperties {
    static let retryCountHeader = "x-retry-count"
    /// Why a message lies in the dead-letter queue.
    static let deathReasonHeader = "x-dead-letter-reason"
    /// Of all headers of a message, encoded.
    static let byteCountMax = 32 * 1024
    private static let persistent: UInt8 = 2

    /// - Returns: nil if a name is longer than 255 bytes or all together longer than
    ///   `byteCountMax`.
    static func encode(_ headers: [String: String], arena: AMQPArena) -> [UInt8]? {
        defer { arena.recycle() }
        let fields = headers.map { name, text -> (String, AMQPValue) in
            if name == retryCountHeader, let count = Int32(text) { return (name, .integer(count)) }
            return (name, .text(text))
        }
        var properties = amqp_basic_properties_t()
        properties.content_type = arena.bytes("application/json")
        properties._flags = UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG)
        properties.headers = arena.table(fields)
        return encode(&properties)
    }

    /// What was received, with some headers set anew; content type and other headers are kept,
    /// other properties dropped, and the message is persistent.
    static func encode(
        _ received: [UInt8], setting fields: [(String, AMQPValue)], arena: AMQPArena
    ) -> [UInt8]? {
        defer { arena.recycle() }
        var decoded: UnsafeMutableRawPointer?
        let result = amqp_decode_properties(
            UInt16(AMQP_BASIC_CLASS), arena.pool, arena.bytes(received), &decoded)
        guard result >= 0, let decoded else { return nil }
        let source = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
        var properties = amqp_basic_properties_t()
        properties._flags = source._flags & UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG)
        properties.content_type = source.content_type
        let names = fields.map { Array($0.0.utf8) }
        var entries: [amqp_table_entry_t] = []
        for entry in table(of: source) where !names.contains(entry.key.array) {
            entries.append(entry)
        }
        entries += fields.map { arena.entry($0, $1) }
        properties.headers = arena.table(entries: entries)
        return encode(&properties)
    }

    /// Texts and numbers as text; tables and lists (the broker's x-death) are left out. The retry
    /// count stands by itself.
    static func read(
        _ properties: amqp_basic_properties_t
    ) -> (headers: [String: String], retryCount: Int) {
        var headers: [String: String] = [:]
        var retryCount = 0
        for entry in table(of: properties) {
            let name = entry.key.text
            guard let text = text(of: entry.value) else { continue }
            if name == retryCountHeader {
                retryCount = max(0, Int(text) ?? 0)
            } else {
                headers[name] = text
            }
        }
        return (headers, retryCount)
    }

    private static func table(
        of properties: amqp_basic_properties_t
    ) -> UnsafeBufferPointer<amqp_table_entry_t> {
        guard properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(
            start: properties.headers.entries, count: Int(properties.headers.num_entries))
    }

    private static func text(of field: amqp_field_value_t) -> String? {
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES:
            String(validating: field.value.bytes.buffer, as: UTF8.self)
        case AMQP_FIELD_KIND_I8: String(field.value.i8)
        case AMQP_FIELD_KIND_U8: String(field.value.u8)
        case AMQP_FIELD_KIND_I16: String(field.value.i16)
        case AMQP_FIELD_KIND_U16: String(field.value.u16)
        case AMQP_FIELD_KIND_I32: String(field.value.i32)
        case AMQP_FIELD_KIND_U32: String(field.value.u32)
        case AMQP_FIELD_KIND_I64: String(field.value.i64)
        case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP: String(field.value.u64)
        case AMQP_FIELD_KIND_BOOLEAN: field.value.boolean != 0 ? "true" : "false"
        default: nil
        }
    }

    /// Sets persistence; `properties` points into an arena that lives on.
    private static func encode(_ properties: inout amqp_basic_properties_t) -> [UInt8]? {
        properties._flags |= UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG)
        properties.delivery_mode = persistent
        // The library writes the low byte of a longer name's length, and nonsense after it.
        for entry in table(of: properties) where entry.key.len > 255 { return nil }
        return withUnsafeTemporaryAllocation(byteCount: byteCountMax, alignment: 8) { buffer in
            let count = amqp_encode_properties(
                UInt16(AMQP_BASIC_CLASS), &properties,
                amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress))
            guard count >= 0 else { return nil }
            return [UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
        }
    }
}
