// OrderCases: the body of a POST read, and its order made durable.
//
// Thread: one.  Allocates: the parsed tree; what SQLite needs.

import CMicro
import Loop
import Services

extension MicroCase {
    static let orderCases = [
        decodeOrder,
        acceptOrder("order.sqlite.memory", isFile: false),
        acceptOrder("order.sqlite.file", isFile: true),
    ]

    private static let body = Array(
        #"{"items":[{"productId":"AZ-700","quantity":1},{"productId":"AZ-104","quantity":2}]}"#
            .utf8)

    /// An operation gives the quantities and the bytes of the product ids.
    private static let decodeOrder = MicroCase(
        "order.json.decode", byteCount: body.count, each: 3 + 12
    ) {
        { operationCount in
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                body.withUnsafeBytes { cmicro_clobber($0.baseAddress) }
                // What cannot be read gives nothing, and the sum is wrong.
                for case let item? in (try? OrderRequest.parse(body))?.items ?? [] {
                    sum &+= UInt64(item.quantity ?? 0)
                    sum &+= UInt64(item.productID?.utf8.count ?? 0)
                }
            }
            return sum
        }
    }

    /// One order with one line in one transaction, its outbox row included; in a file it waits for
    /// the disk. An operation gives 1.
    private static func acceptOrder(_ name: String, isFile: Bool) -> MicroCase {
        MicroCase(name, clock: isFile ? .wall : .processor, each: 1) {
            let scratch = try ScratchDatabase(isFile: isFile)
            var number: UInt64 = 0
            return { operationCount in
                var acceptedCount: UInt64 = 0
                for _ in 0..<operationCount {
                    number += 1
                    if isAccepted(number, by: scratch.store) { acceptedCount += 1 }
                }
                return acceptedCount
            }
        }
    }

    private static func isAccepted(_ number: UInt64, by store: SQLiteOrderStore) -> Bool {
        let request = AcceptRequest(
            user: "CUST-0001", lines: [AcceptRequest.Line(productID: "AZ-700", quantity: 1)],
            correlation: CorrelationID(high: 0x0A5D_FD1A_69D2_4DB5, low: number)!,
            idempotency: nil, acceptedAt: WallTime(microseconds: 1_767_225_600_000_000),
            traceparent: nil)
        // A store that fails accepts nothing, and the sum is wrong.
        guard case .accepted = try? store.accept([request]).first else { return false }
        return true
    }
}
