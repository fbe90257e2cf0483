// Schema: migration 1, the tables.
//
//   Customer 1 ──── n Order 1 ──── n OrderItem n ──── 1 Product
//   Customer 1 ──── n IdempotencyKey n ──── 1 Order
//   Outbox (events to publish)      QueueMessage (the embedded bus)
//
// Names of tables, columns and indexes are those of the reference's SQL Server schema; what is not
// in it stands last in its table. Types that SQLite does not have:
//
//   DATETIME2      INTEGER   microseconds since 1970-01-01T00:00:00Z
//   DECIMAL(10,2)  INTEGER   hundredths
//   BIT            INTEGER   0 or 1
//   NVARCHAR(n)    TEXT      compared byte for byte; n is checked on the columns clients can fill
//
// Thread: a pure value.  Source: https://www.sqlite.org/lang_createtable.html

enum Schema {
    static let script: StaticString = """
        CREATE TABLE Customer (
            Id                 INTEGER PRIMARY KEY,
            ExternalCustomerId TEXT NOT NULL CHECK (length(ExternalCustomerId) BETWEEN 1 AND 64),
            FirstName          TEXT NOT NULL DEFAULT '',
            LastName           TEXT NOT NULL DEFAULT '',
            Email              TEXT NOT NULL DEFAULT '',
            PhoneNumber        TEXT NOT NULL DEFAULT '',
            NationalId         TEXT NOT NULL DEFAULT '',
            DateOfBirth        TEXT,
            AddressLine1       TEXT NOT NULL DEFAULT '',
            City               TEXT NOT NULL DEFAULT '',
            PostalCode         TEXT NOT NULL DEFAULT '',
            CountryCode        TEXT NOT NULL DEFAULT '',
            CreatedAt          INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            UpdatedAt          INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            IsSoftDeleted      INTEGER NOT NULL DEFAULT 0
        );
        CREATE UNIQUE INDEX UX_Customer_ExternalCustomerId ON Customer (ExternalCustomerId);

        CREATE TABLE Product (
            Id                INTEGER PRIMARY KEY,
            ExternalProductId TEXT NOT NULL CHECK (length(ExternalProductId) BETWEEN 1 AND 64),
            Name              TEXT NOT NULL,
            Category          TEXT NOT NULL,
            Vendor            TEXT NOT NULL DEFAULT '',
            ImageUrl          TEXT NOT NULL DEFAULT '',
            Discount          INTEGER NOT NULL DEFAULT 0 CHECK (Discount BETWEEN 0 AND 100),
            BillingPeriod     TEXT NOT NULL CHECK (BillingPeriod IN ('Monthly', 'Annual')),
            IsSubscription    INTEGER NOT NULL DEFAULT 1,
            Price             INTEGER NOT NULL DEFAULT 0 CHECK (Price >= 0),
            IsActive          INTEGER NOT NULL DEFAULT 1,
            CreatedAt         INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            UpdatedAt         INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            IsSoftDeleted     INTEGER NOT NULL DEFAULT 0
        );
        CREATE UNIQUE INDEX UX_Product_ExternalProductId ON Product (ExternalProductId);
        CREATE INDEX IX_Product_ExternalProductId_NoCase
            ON Product (ExternalProductId COLLATE NOCASE);

        CREATE TABLE "Order" (
            Id            INTEGER PRIMARY KEY,
            CorrelationId TEXT NOT NULL CHECK (length(CorrelationId) <= 64),
            CustomerId    INTEGER NOT NULL REFERENCES Customer (Id),
            CreatedAt     INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            UpdatedAt     INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            IsSoftDeleted INTEGER NOT NULL DEFAULT 0,
            Status        TEXT NOT NULL DEFAULT 'ACCEPTED'
                CHECK (Status IN ('ACCEPTED', 'PROCESSING', 'COMPLETED')),
            CompletedAt   INTEGER CHECK ((CompletedAt IS NULL) = (Status <> 'COMPLETED'))
        );
        CREATE UNIQUE INDEX UX_Order_CorrelationId ON "Order" (CorrelationId);
        CREATE INDEX IX_Order_CustomerId ON "Order" (CustomerId, CreatedAt, Id);

        CREATE TABLE OrderItem (
            Id            INTEGER PRIMARY KEY,
            OrderId       INTEGER NOT NULL REFERENCES "Order" (Id) ON DELETE CASCADE,
            ProductId     INTEGER NOT NULL REFERENCES Product (Id),
            Quantity      INTEGER NOT NULL CHECK (Quantity > 0),
            CreatedAt     INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            UpdatedAt     INTEGER NOT NULL DEFAULT
                (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
            IsSoftDeleted INTEGER NOT NULL DEFAULT 0,
            UnitPrice     INTEGER CHECK (UnitPrice >= 0),
            ProductName   TEXT
        );
        CREATE INDEX IX_OrderItem_OrderId ON OrderItem (OrderId);
        CREATE INDEX IX_OrderItem_ProductId ON OrderItem (ProductId);

        CREATE TABLE Outbox (
            Id            INTEGER PRIMARY KEY AUTOINCREMENT,
            Queue         TEXT NOT NULL,
            CorrelationId TEXT NOT NULL,
            Body          BLOB NOT NULL,
            Traceparent   TEXT,
            CreatedAt     INTEGER NOT NULL
        );

        CREATE TABLE IdempotencyKey (
            CustomerId INTEGER NOT NULL REFERENCES Customer (Id),
            Key        TEXT NOT NULL CHECK (length(Key) BETWEEN 1 AND 64),
            BodyDigest BLOB NOT NULL,
            OrderId    INTEGER NOT NULL REFERENCES "Order" (Id),
            CreatedAt  INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX UX_IdempotencyKey_CustomerId_Key ON IdempotencyKey (CustomerId, Key);
        CREATE INDEX IX_IdempotencyKey_CreatedAt ON IdempotencyKey (CreatedAt);

        CREATE TABLE QueueMessage (
            Id         INTEGER PRIMARY KEY AUTOINCREMENT,
            Queue      TEXT NOT NULL,
            Body       BLOB NOT NULL,
            Headers    TEXT NOT NULL DEFAULT '',
            RetryCount INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX IX_QueueMessage_Queue ON QueueMessage (Queue, Id);

        CREATE TRIGGER trg_Customer_SetUpdatedAt AFTER UPDATE ON Customer
        WHEN NEW.UpdatedAt = OLD.UpdatedAt BEGIN
            UPDATE Customer SET UpdatedAt =
                CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
            WHERE Id = NEW.Id;
        END;
        CREATE TRIGGER trg_Product_SetUpdatedAt AFTER UPDATE ON Product
        WHEN NEW.UpdatedAt = OLD.UpdatedAt BEGIN
            UPDATE Product SET UpdatedAt =
                CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
            WHERE Id = NEW.Id;
        END;
        CREATE TRIGGER trg_Order_SetUpdatedAt AFTER UPDATE ON "Order"
        WHEN NEW.UpdatedAt = OLD.UpdatedAt BEGIN
            UPDATE "Order" SET UpdatedAt =
                CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
            WHERE Id = NEW.Id;
        END;
        CREATE TRIGGER trg_OrderItem_SetUpdatedAt AFTER UPDATE ON OrderItem
        WHEN NEW.UpdatedAt = OLD.UpdatedAt BEGIN
            UPDATE OrderItem SET UpdatedAt =
                CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
            WHERE Id = NEW.Id;
        END;
        """
}
