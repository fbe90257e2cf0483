import Hub
import Loop
import Testing

@testable import Services

@Suite("OrderNotification") struct OrderNotificationTests {
    @Test func `a push is about its order`() throws {
        let correlation = CorrelationID(from: SystemRandom())
        let push = OrderNotification.completed(
            OrderProcessed(correlation: correlation, orderID: 7))

        let subject = OrderNotification.subject(OrderNotification.target, [push])

        #expect(subject == correlation.description)
    }

    @Test func `anything else is about nothing`() {
        #expect(OrderNotification.subject("Other", [.string("x")]) == nil)
        #expect(OrderNotification.subject(OrderNotification.target, []) == nil)
        #expect(OrderNotification.subject(OrderNotification.target, [.string("x")]) == nil)
    }
}
