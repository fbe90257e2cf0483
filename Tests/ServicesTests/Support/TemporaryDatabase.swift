// TemporaryDatabase: a database file in a directory of its own, gone after the test.

import Foundation
import Loop
import TestSupport

@testable import Services

final class TemporaryDatabase: Sendable {
    let directory: String
    let path: String
    let clock = FakeClock()

    init() {
        var template = Array((NSTemporaryDirectory() + "/contoso-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp: errno \(errno)") }
        directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = directory + "/orders.db"
    }

    deinit {
        // Nothing depends on it; a leftover directory harms no later test.
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Not synced: tests kill processes at most, never the machine.
    func open(migrated: Bool = true) throws(StoreError) -> SQLiteDatabase {
        var settings = SQLiteDatabase.Settings()
        settings.isSynced = false
        let database = try SQLiteDatabase(path: path, settings: settings)
        if migrated { try database.migrate(at: clock.wallNow) }
        return database
    }
}

/// A migrated database in memory, for tests of faults: what they log is not news.
func memoryDatabase() throws(StoreError) -> SQLiteDatabase {
    Log.level = .error
    let database = try SQLiteDatabase(path: ":memory:")
    try database.migrate(at: FakeClock().wallNow)
    return database
}

extension CorrelationID {
    /// A fixed one per number.
    static func numbered(_ number: UInt64) -> CorrelationID {
        CorrelationID(high: 0x0A5D_FD1A_69D2_4DB5, low: 0x95C0_9D2F_0000_0000 + number)!
    }
}

extension AcceptRequest {
    static func sample(
        _ number: UInt64 = 1, user: String = "CUST-0001",
        lines: [(String, Int32)] = [("AZ-700", 1)], key: String? = nil, digest: [UInt8] = [1],
        at time: WallTime = FakeClock().wallNow
    ) -> AcceptRequest {
        AcceptRequest(
            user: user, lines: lines.map { Line(productID: $0.0, quantity: $0.1) },
            correlation: .numbered(number),
            idempotency: key.map { Idempotency(key: $0, bodyDigest: digest) },
            acceptedAt: time, traceparent: nil)
    }
}

extension AcceptOutcome {
    /// The order of an accepted or repeated request.
    var order: Order? {
        switch self {
        case .accepted(let order), .repeated(let order): order
        case .keyReused, .unknownProducts: nil
        }
    }
}
