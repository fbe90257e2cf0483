import Loop
import Foundation
import TestSupport
import Testing

@testable import Services

@Suite("Migrations") struct MigrationsTests {
    let temporary = TemporaryDatabase()

    @Test func `a new file gets both versions, and a second run does nothing`() throws {
        let database = try temporary.open(migrated: false)

        #expect(try database.migrate() == [1, 2])
        #expect(try database.migrate() == [])
    }

    @Test func `two that start at once apply each version once`() throws {
        var settings = SQLiteDatabase.Settings()
        settings.isExclusive = false
        let first = try SQLiteDatabase(path: temporary.path, settings: settings)
        let second = try SQLiteDatabase(path: temporary.path, settings: settings)

        let applied = Monitor([Int64]())
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            let versions = try? (index == 0 ? first : second).migrate()
            applied.withLock { $0 += versions ?? [-1] }
        }

        #expect(applied.withLock { $0.sorted() } == [1, 2])
    }

    @Test func `a step that fails leaves no trace, and those before it stay`() throws {
        let database = try temporary.open(migrated: false)
        let broken = Migration(version: 3, description: "broken", text: "x") {
            (connection) throws(StoreError) in
            try connection.execute("CREATE TABLE Extra (N INTEGER)")
            try connection.execute("CREATE TABLE Extra (N INTEGER)")
        }

        #expect(throws: StoreError.self) {
            try database.migrate(Migration.all + [broken], at: temporary.clock.wallNow)
        }

        let tables = try database.read { (connection) throws(StoreError) in
            try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'Extra'")
        }
        #expect(tables == 0)
        #expect(try database.migrate() == [])
    }

    @Test func `a version that was applied in another form is refused`() throws {
        let database = try temporary.open()
        let changed = Migration(version: 1, description: "Schema", text: "other") { _ in }

        let error = #expect(throws: StoreError.self) {
            try database.migrate([changed], at: temporary.clock.wallNow)
        }

        #expect(error?.reason.contains("another form of migration 1") == true)
    }

    @Test func `a file of a newer build is refused`() throws {
        let database = try temporary.open()

        let error = #expect(throws: StoreError.self) {
            try database.migrate([Migration.all[0]], at: temporary.clock.wallNow)
        }

        #expect(error?.reason.contains("newer version") == true)
    }

    @Test func `an update stamps UpdatedAt`() throws {
        let database = try memoryDatabase()

        let stamps = try database.write(.ordered) { (connection) throws(StoreError) -> [Int64] in
            try connection.run("UPDATE Product SET UpdatedAt = 5 WHERE Id = 1")
            try connection.run("UPDATE Product SET Name = 'new' WHERE Id = 1")
            return try connection.rows("SELECT UpdatedAt FROM Product WHERE Id = 1") {
                $0.integer(0)
            }
        }

        #expect(stamps[0] > 1_700_000_000_000_000)
    }
}

@Suite("Catalogue") struct CatalogueTests {
    let products = Catalogue.products()

    @Test func `has 145 different products, and AZ-900 comes first`() {
        #expect(products.count == 145)
        #expect(Set(products.map(\.externalID)).count == 145)
        #expect(products.prefix(3).map(\.externalID) == ["AZ-900", "AZ-104", "AZ-204"])
    }

    @Test func `has the reference's number of products per vendor`() {
        #expect(
            counts(\.vendor) == [
                "Microsoft": 45, "Cisco": 23, "CompTIA": 14, "AWS": 12, "Google": 11, "ITIL": 11,
                "Pearson": 11, "Databricks": 7, "ISC2": 6, "Terraform": 5,
            ])
    }

    @Test func `has 64 categories with the four large ones`() {
        let categories = counts(\.category)
        #expect(categories.count == 64)
        #expect(categories["Networking"] == 12)
        #expect(categories["IT Service Management"] == 10)
        #expect(categories["DevOps"] == 8)
        #expect(categories["Cybersecurity"] == 8)
        #expect(categories.values.filter { $0 >= 8 }.count == 4)
    }

    @Test func `has the reference's billing periods, price tiers, discounts and sum`() {
        #expect(counts(\.billingPeriod) == ["Monthly": 76, "Annual": 69])
        #expect(products.reduce(0) { $0 + $1.price.hundredths } == 3_464_734)
        #expect(
            Set(products.map(\.price.hundredths)) == [
                1999, 3999, 5999, 6999, 7499, 7999, 19990, 39990, 59990, 69990, 74990, 79990,
            ])
        let discounts: Set = [0, 10, 15, 20, 25, 30, 35, 36, 40, 50, 60]
        #expect(Set(products.map(\.discount)) == discounts)
    }

    @Test func `has no ragged names`() {
        for product in products {
            #expect(!product.name.hasPrefix(" ") && !product.name.hasSuffix(" "))
            #expect(product.imageURL == "/badges/\(product.externalID).svg")
        }
    }

    private func counts(_ member: KeyPath<Product, String>) -> [String: Int] {
        Dictionary(products.map { ($0[keyPath: member], 1) }, uniquingKeysWith: +)
    }
}

@Suite("Seed") struct SeedTests {
    @Test(arguments: StoreEngine.available)
    func `has ten customers with two completed orders each`(engine: StoreEngine) throws {
        let test = try engine.open()

        for number in 1...10 {
            let user = "CUST-00" + (number < 10 ? "0" : "") + "\(number)"
            let page = try test.store.orders(of: user, offset: 0, size: 10)

            #expect(page.total == 2)
            for order in page.items {
                #expect(order.status == .completed)
                #expect(order.correlationID == order.correlationID.uppercased())
                #expect((1...5).contains(order.items.count))
                #expect(order.items.allSatisfy { (1...3).contains($0.quantity) })
                let id = try #require(CorrelationID(parsing: order.correlationID))
                #expect(try test.store.orderState(id)?.user == user)
            }
        }
    }
}
