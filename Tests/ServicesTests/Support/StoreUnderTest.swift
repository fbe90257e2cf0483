// StoreUnderTest: either engine behind the same port, with a way to its tables.

import Loop
import TestSupport

@testable import Services

/// The engines that can be tested here.
enum StoreEngine: String, CaseIterable, Sendable {
    case sqlite, postgres

    static var available: [StoreEngine] {
        TestPostgres.isAvailable ? allCases : [.sqlite]
    }

    func open() throws -> StoreUnderTest {
        switch self {
        case .sqlite: StoreUnderTest(sqlite: try memoryDatabase())
        case .postgres: StoreUnderTest(postgres: try TestDatabase().store())
        }
    }
}

/// A migrated and seeded database, with the ids that follow the seed's.
struct StoreUnderTest: Sendable {
    let store: any OrderStore
    private let sqlite: SQLiteDatabase?
    private let postgres: TestStore?

    fileprivate init(sqlite: SQLiteDatabase) {
        self.sqlite = sqlite
        postgres = nil
        store = SQLiteOrderStore(database: sqlite)
    }

    fileprivate init(postgres: TestStore) {
        sqlite = nil
        self.postgres = postgres
        store = postgres.store
    }

    /// Changes the tables behind the store's back. Both engines read names in quotes and the words
    /// true and false.
    func run(_ sql: StaticString) throws {
        try sqlite?.write(.ordered) { (connection) throws(StoreError) in
            try connection.run(sql)
        }
        try postgres?.database.connect().run(sql)
    }

    /// The same, where money is hundredths in one engine and a decimal number in the other.
    func run(hundredths: StaticString, decimal: StaticString) throws {
        try run(sqlite == nil ? decimal : hundredths)
    }

    func integer(_ sql: StaticString) throws -> Int64 {
        if let sqlite {
            return try sqlite.read { (connection) throws(StoreError) in
                try connection.integer(sql)
            }
        }
        return try postgres!.database.connect().run(sql)[0].integer(0)
    }

    // MARK: Short forms

    func accept(_ request: AcceptRequest) throws -> AcceptOutcome {
        try store.accept([request])[0]
    }

    func unknown(_ request: AcceptRequest) throws -> [String]? {
        if case .unknownProducts(let ids) = try accept(request) { ids } else { nil }
    }
}

extension OrderAccepted {
    static func sample(
        _ number: UInt64, user: String = "CUST-0001", products: [String] = ["AZ-700"]
    ) -> OrderAccepted {
        OrderAccepted(
            correlation: .numbered(number), user: user,
            lines: products.map { AcceptRequest.Line(productID: $0, quantity: 1) })
    }
}
