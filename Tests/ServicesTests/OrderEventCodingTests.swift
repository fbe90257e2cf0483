import Testing

@testable import Services

@Suite("OrderEventCoding") struct OrderEventCodingTests {
    static let guid = "0a5dfd1a-69d2-4db5-95c0-9d2f00000001"
    let accepted = OrderAccepted(
        correlation: .numbered(1), user: "CUST-0001",
        lines: [AcceptRequest.Line(productID: "AZ-700", quantity: 1)])

    @Test func `events are written as the replaced system writes them`() {
        #expect(
            text(accepted.encoded())
                == #"{"CorrelationId":{"Value":"\#(Self.guid)"},"Order":{"CustomerId":"CUST-0001","#
                + #""Items":[{"ProductId":"AZ-700","Quantity":1}]}}"#)
        #expect(
            text(OrderProcessed(correlation: .numbered(1), orderID: 123).encoded())
                == #"{"CorrelationId":{"Value":"\#(Self.guid)"},"OrderId":123}"#)
    }

    @Test func `what is written can be read, odd characters included`() throws {
        var odd = accepted
        odd.user = "a\"b\\\u{1E}é🙂"
        #expect(try OrderAccepted(decoding: odd.encoded()) == odd)
        let processed = OrderProcessed(correlation: .numbered(7), orderID: .max)
        #expect(try OrderProcessed(decoding: processed.encoded()) == processed)
    }

    @Test(arguments: [
        #"{"correlationid":"GUID","order":{"customerId":"CUST-0001","items":[{"productId":"AZ-700","quantity":1}]}}"#,
        #"{"CORRELATIONID":{"x":[1],"VALUE":"{GUID}"},"ORDER":{"items":[{"PRODUCTID":"AZ-700","QUANTITY":1,"y":null}],"CUSTOMERID":"CUST-0001"},"extra":{}}"#,
        #"{"correlationId":{"value":"GUID"},"orderId":9,"externalCustomerId":"CUST-0001","items":[{"productId":"AZ-700","quantity":1}]}"#,
    ])
    func `both shapes are read, with any casing and either correlation id`(body: String) throws {
        let text = body.replacing("GUID", with: Self.guid)
        #expect(try OrderAccepted(decoding: Array(text.utf8)) == accepted)
    }

    @Test func `the processed event may carry more than we know`() throws {
        let text = #"{"correlationId":"\#(Self.guid)","orderId":5,"occurredAtUtc":"2026-01-01"}"#
        #expect(try OrderProcessed(decoding: Array(text.utf8)).orderID == 5)
    }

    @Test(arguments: [
        ("", "invalid payload"), ("nonsense", "invalid payload"), ("[]", "invalid payload"),
        ("{}", "no valid correlation id"), (#"{"bad":"payload"}"#, "no valid correlation id"),
        (#"{"correlationId":"00000000-0000-0000-0000-000000000000"}"#, "no valid correlation id"),
        (#"{"correlationId":"GUID"}"#, "no customer id"),
        (#"{"correlationId":"GUID","order":null}"#, "no customer id"),
        (#"{"correlationId":"GUID","order":{"customerId":"  "}}"#, "no customer id"),
        (#"{"correlationId":"GUID","order":{"customerId":"u","items":[]}}"#, "no items"),
        (#"{"correlationId":"GUID","order":{"customerId":"u","items":null}}"#, "no items"),
        (#"{"correlationId":"GUID","order":{"customerId":"u","items":[{}]}}"#, "no product id"),
        (#"{"correlationId":"GUID","customerId":"u","items":[{"productId":"p"}]}"#, "quantity"),
        (
            #"{"correlationId":"GUID","customerId":"u","items":[{"productId":"p","quantity":0}]}"#,
            "quantity"
        ),
        (
            #"{"correlationId":"GUID","customerId":"u","items":[{"productId":"p","quantity":2147483648}]}"#,
            "quantity"
        ),
        (#"{"correlationId":"GUID"} x"#, "invalid payload"),
        (#"{"correlationId":7}"#, "invalid payload"),
    ])
    func `what breaks a rule is poison with its reason`(body: String, reason: String) {
        let text = body.replacing("GUID", with: Self.guid)
        let error = #expect(throws: PoisonMessage.self) {
            try OrderAccepted(decoding: Array(text.utf8))
        }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

    @Test(arguments: [0, -1]) func `an order id below 1 is poison`(id: Int) {
        let text = #"{"correlationId":"\#(Self.guid)","orderId":\#(id)}"#
        #expect(throws: PoisonMessage(reason: "no order id")) {
            try OrderProcessed(decoding: Array(text.utf8))
        }
    }

    @Test func `ids of 64 characters pass and of 65 are poison`() throws {
        for (count, passes) in [(64, true), (65, false)] {
            var event = accepted
            event.user = String(repeating: "u", count: count)
            #expect(
                (try? OrderAccepted(decoding: event.encoded()) == event) == (passes ? true : nil))
            event = accepted
            event.lines[0].productID = String(repeating: "p", count: count)
            #expect(
                (try? OrderAccepted(decoding: event.encoded()) == event) == (passes ? true : nil))
        }
    }

    @Test func `every prefix of an event is poison and none crashes`() {
        let body = accepted.encoded()
        for count in 0..<body.count {
            #expect(throws: PoisonMessage.self) {
                try OrderAccepted(decoding: Array(body.prefix(count)))
            }
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
