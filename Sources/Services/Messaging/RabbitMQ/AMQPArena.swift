// AMQPArena: memory for the C structures that librabbitmq encodes.
//
//   String, [UInt8], headers ──copy──▶ arena ──▶ amqp_bytes_t, amqp_table_t ──▶ encoder ──▶ recycle
//
// Thread: one.  Allocates: a page once; larger blocks until `recycle`.
// Source: librabbitmq amqp.h, amqp_pool_t.

import CRabbitMQ

/// A value in an AMQP field table that we write ourselves.
enum AMQPValue: Sendable {
    case text(String)
    /// 'I', the signed 32-bit integer that all clients read.
    case integer(Int32)
    /// A table in which each of these names is true.
    case flags([String])
}

final class AMQPArena {
    let pool = UnsafeMutablePointer<amqp_pool_t>.allocate(capacity: 1)

    init() { init_amqp_pool(pool, 4096) }

    deinit {
        empty_amqp_pool(pool)
        pool.deallocate()
    }

    /// Everything made so far becomes invalid.
    func recycle() { recycle_amqp_pool(pool) }

    /// A copy that lives until `recycle`.
    func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard source.count > 0 else { return amqp_bytes_t() }
        let copy = allocate(source.count)
        copy.copyMemory(from: source.baseAddress!, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: copy)
    }

    func bytes(_ source: [UInt8]) -> amqp_bytes_t { source.withUnsafeBytes { bytes($0) } }

    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func table(_ fields: [(String, AMQPValue)]) -> amqp_table_t {
        table(entries: fields.map { entry($0, $1) })
    }

    func table(entries: [amqp_table_entry_t]) -> amqp_table_t {
        guard !entries.isEmpty else { return amqp_table_t() }
        let copy = allocate(entries.count * MemoryLayout<amqp_table_entry_t>.stride)
            .bindMemory(to: amqp_table_entry_t.self, capacity: entries.count)
        for (index, entry) in entries.enumerated() { (copy + index).initialize(to: entry) }
        return amqp_table_t(num_entries: Int32(entries.count), entries: copy)
    }

    func entry(_ name: String, _ value: AMQPValue) -> amqp_table_entry_t {
        var field = amqp_field_value_t()
        switch value {
        case .text(let text):
            field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            field.value.bytes = bytes(text)
        case .integer(let number):
            field.kind = UInt8(AMQP_FIELD_KIND_I32.rawValue)
            field.value.i32 = number
        case .flags(let names):
            var truth = amqp_field_value_t()
            truth.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
            truth.value.boolean = 1
            field.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
            field.value.table = table(
                entries: names.map { amqp_table_entry_t(key: bytes($0), value: truth) })
        }
        return amqp_table_entry_t(key: bytes(name), value: field)
    }

    private func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard let memory = amqp_pool_alloc(pool, byteCount) else { fatalError("out of memory") }
        return memory
    }
}

@available(*, unavailable)
extension AMQPArena: Sendable {}

extension amqp_bytes_t {
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: len) }
    var array: [UInt8] { [UInt8](buffer) }
    /// Invalid UTF-8 is repaired: what a broker writes in its reasons goes to people only.
    var text: String { String(decoding: buffer, as: UTF8.self) }
}
