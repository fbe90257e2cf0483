// OrderJSON: products, orders and pages as the shop reads them.
//
//   {"offset":0,"size":12,"total":145,"items":[…]}
//   {"externalProductId":"AZ-700","name":"…",…,"discount":30,…,"isSubscription":true,"price":39.99}
//   {"id":123,"correlationId":"0a5d…","createdAt":"2026-02-04T10:12:45.123456Z","items":[…]}
//
// Thread: pure functions.  Allocates: the bytes.
// Source: the .NET system's DTOs in camel case; prices with two decimals, moments in UTC with Z.

import Hub
import Loop

enum OrderJSON {
    static func bytes(_ page: Page<Product>) -> [UInt8] {
        // A product takes about 300 bytes.
        var writer = JSONWriter(reservingCapacity: 64 + 320 * page.items.count)
        writer.page(page) { writer, product in writer.product(product) }
        return writer.bytes
    }

    static func bytes(_ page: Page<Order>) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 64 + 512 * page.items.count)
        writer.page(page) { writer, order in writer.order(order) }
        return writer.bytes
    }

    static func bytes(_ product: Product) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 320)
        writer.product(product)
        return writer.bytes
    }

    static func bytes(_ order: Order) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 128 + 256 * order.items.count)
        writer.order(order)
        return writer.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func page<Item>(
        _ page: Page<Item>, _ write: (inout JSONWriter, Item) -> Void
    ) {
        beginObject()
        key("offset")
        integer(Int64(page.offset))
        key("size")
        integer(Int64(page.size))
        key("total")
        integer(Int64(page.total))
        key("items")
        beginArray()
        for item in page.items { write(&self, item) }
        endArray()
        endObject()
    }

    fileprivate mutating func product(_ product: Product) {
        beginObject()
        key("externalProductId")
        string(product.externalID)
        key("name")
        string(product.name)
        key("category")
        string(product.category)
        key("vendor")
        string(product.vendor)
        key("imageUrl")
        string(product.imageURL)
        key("discount")
        integer(Int64(product.discount))
        key("billingPeriod")
        string(product.billingPeriod)
        key("isSubscription")
        bool(product.isSubscription)
        key("price")
        raw(product.price.description.utf8)
        endObject()
    }

    fileprivate mutating func order(_ order: Order) {
        beginObject()
        key("id")
        integer(order.id)
        key("correlationId")
        string(order.correlationID)
        key("createdAt")
        string(order.createdAt.description)
        key("items")
        beginArray()
        for item in order.items { orderItem(item) }
        endArray()
        endObject()
    }

    private mutating func orderItem(_ item: OrderItem) {
        beginObject()
        key("productId")
        string(item.productID)
        key("productName")
        string(item.productName)
        key("imageUrl")
        string(item.imageURL)
        key("unitPrice")
        raw(item.unitPrice.description.utf8)
        key("quantity")
        integer(Int64(item.quantity))
        endObject()
    }
}
