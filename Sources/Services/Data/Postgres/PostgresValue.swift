// PostgresValue: typed values in and out, in the server's binary format.
//
//   PostgresValue ──▶ type oid + big-endian bytes ──▶ $1        one-dimensional arrays for sets of rows
//   PGresult      ──▶ PostgresRow.integer(0) …                  every column is asked for in binary
//
// Thread: pure values; a PostgresRows belongs to one thread.  Allocates: the bytes.
// Source: https://www.postgresql.org/docs/15/protocol-message-formats.html, server's array_recv.

import CPostgres
import Loop

/// A value for a `$n`.
enum PostgresValue: Sendable {
    case integer(Int64)
    /// A text with a NUL character is sent as NULL, because the server's texts cannot hold one: it
    /// equals no value and fits into no NOT NULL column.
    case text(String?)
    case bytes([UInt8])
    case time(WallTime)
    case integers([Int64])
    case texts([String?])
    case byteArrays([[UInt8]])
    case times([WallTime])

    /// The oid of the type in the server's catalogue; fixed for built-in types.
    var type: Oid {
        switch self {
        case .integer: 20
        case .text: 25
        case .bytes: 17
        case .time: 1184
        case .integers: 1016
        case .texts: 1009
        case .byteArrays: 1001
        case .times: 1185
        }
    }

    /// - Returns: false for NULL; nothing is appended then.
    func append(to out: inout [UInt8]) -> Bool {
        switch self {
        case .integer(let value): out.append(bigEndian: value)
        case .time(let value): out.append(bigEndian: value.postgresMicroseconds)
        case .bytes(let value): out += value
        case .text(let value):
            guard let value = Self.storable(value) else { return false }
            out += value.utf8
        case .integers(let values):
            Self.append(values.count, of: 20, to: &out) { out, index in
                out.append(bigEndian: Int32(8))
                out.append(bigEndian: values[index])
            }
        case .times(let values):
            Self.append(values.count, of: 1184, to: &out) { out, index in
                out.append(bigEndian: Int32(8))
                out.append(bigEndian: values[index].postgresMicroseconds)
            }
        case .byteArrays(let values):
            Self.append(values.count, of: 17, to: &out) { out, index in
                out.append(bigEndian: Int32(values[index].count))
                out += values[index]
            }
        case .texts(let values):
            Self.append(values.count, of: 25, to: &out) { out, index in
                guard let value = Self.storable(values[index]) else {
                    return out.append(bigEndian: Int32(-1))
                }
                out.append(bigEndian: Int32(value.utf8.count))
                out += value.utf8
            }
        }
        return true
    }

    private static func storable(_ text: String?) -> String? {
        guard let text, !text.utf8.contains(0) else { return nil }
        return text
    }

    private static func append(
        _ count: Int, of element: Int32, to out: inout [UInt8],
        _ appendElement: (inout [UInt8], Int) -> Void
    ) {
        out.append(bigEndian: Int32(1))  // dimensions
        out.append(bigEndian: Int32(1))  // may have NULL
        out.append(bigEndian: element)
        out.append(bigEndian: Int32(count))
        out.append(bigEndian: Int32(1))  // index of the first
        for index in 0..<count { appendElement(&out, index) }
    }
}

extension WallTime {
    /// The server counts from 2000-01-01T00:00:00Z.
    private static var postgresEpoch: Int64 { 946_684_800_000_000 }

    fileprivate var postgresMicroseconds: Int64 { microseconds - Self.postgresEpoch }

    fileprivate init(postgresMicroseconds: Int64) {
        self.init(microseconds: postgresMicroseconds + Self.postgresEpoch)
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

/// The rows of one statement. Owns libpq's result.
final class PostgresRows {
    fileprivate let result: OpaquePointer

    init(owning result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    var count: Int { Int(PQntuples(result)) }

    /// Rows an INSERT, UPDATE or DELETE changed.
    var changedCount: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    subscript(_ row: Int) -> PostgresRow { PostgresRow(rows: self, row: Int32(row)) }

    func map<Value>(_ read: (PostgresRow) -> Value) -> [Value] {
        (0..<count).map { read(self[$0]) }
    }
    var first: PostgresRow? { count == 0 ? nil : self[0] }
}

/// One row; columns are read as the type the statement gives them.
struct PostgresRow {
    fileprivate let rows: PostgresRows
    fileprivate let row: Int32

    func isNull(_ column: Int32) -> Bool { PQgetisnull(rows.result, row, column) == 1 }

    private func raw(_ column: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: PQgetvalue(rows.result, row, column),
            count: Int(PQgetlength(rows.result, row, column)))
    }

    /// BIGINT.
    func integer(_ column: Int32) -> Int64 {
        let bytes = raw(column)
        precondition(bytes.count == 8, "column \(column) is no BIGINT")
        return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
    }

    /// INTEGER.
    func small(_ column: Int32) -> Int32 {
        let bytes = raw(column)
        precondition(bytes.count == 4, "column \(column) is no INTEGER")
        return Int32(bigEndian: bytes.loadUnaligned(as: Int32.self))
    }

    func boolean(_ column: Int32) -> Bool { raw(column).first == 1 }
    func text(_ column: Int32) -> String { String(decoding: raw(column), as: UTF8.self) }
    func textOrNil(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
    func bytes(_ column: Int32) -> [UInt8] { [UInt8](raw(column)) }
    func time(_ column: Int32) -> WallTime { WallTime(postgresMicroseconds: integer(column)) }
    func timeOrNil(_ column: Int32) -> WallTime? { isNull(column) ? nil : time(column) }
}
