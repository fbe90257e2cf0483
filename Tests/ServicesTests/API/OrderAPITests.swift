import Loop
import Synchronization
import TestSupport
import Testing
@testable import WS

@testable import Services

/// Answers from memory, or fails as it is told to.
private final class FakeStore: OrderStore {
    static let product = Product(
        externalID: "AZ-700", name: "Networking \"pro\"", category: "Networking",
        vendor: "Microsoft",
        imageURL: "https://images.example/az-700.png", discount: 30, billingPeriod: "Monthly",
        isSubscription: true, price: Price(hundredths: 19990))
    static let order = Order(
        id: 123, correlationID: "0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3",
        createdAt: WallTime(microseconds: 1_770_199_965_123_456), status: .accepted,
        items: [
            OrderItem(
                productID: "AZ-700", productName: "N", imageURL: "u",
                unitPrice: Price(hundredths: 3999), quantity: 1)
        ])

    /// The orders taken, the newest last.
    let taken = Mutex<[AcceptRequest]>([])
    private let failure: StoreError?
    private let outcome: AcceptOutcome

    init(failure: StoreError? = nil, outcome: AcceptOutcome = .accepted(FakeStore.order)) {
        self.failure = failure
        self.outcome = outcome
    }

    private func check() throws(StoreError) { if let failure { throw failure } }

    func products(offset: Int, size: Int) throws(StoreError) -> Page<Product> {
        try check()
        return Page(offset: offset, size: size, total: 1, items: [Self.product])
    }
    func product(externalID: String) throws(StoreError) -> Product? {
        try check()
        return externalID == "AZ-700" ? Self.product : nil
    }
    func completedOrders(
        of users: [String], since: WallTime
    ) throws(StoreError) -> [CompletedOrder] {
        try check()
        return []
    }
    func orders(of user: String, offset: Int, size: Int) throws(StoreError) -> Page<Order> {
        try check()
        return Page(offset: offset, size: size, total: 1, items: [Self.order])
    }
    func order(id: Int64, of user: String) throws(StoreError) -> Order? {
        try check()
        return id == 123 && user == "CUST-0001" ? Self.order : nil
    }
    func deleteOrder(id: Int64, by user: String) throws(StoreError) -> DeleteOutcome {
        try check()
        return id == 123 ? .deleted : id == 124 ? .forbidden : .notFound
    }
    func orderState(_ correlation: CorrelationID) throws(StoreError) -> OrderState? { nil }
    func accept(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome] {
        try check()
        taken.withLock { $0 += requests }
        return requests.map { _ in outcome }
    }
    func beginProcessing(_ correlations: [CorrelationID]) throws(StoreError) {}
    func complete(_ events: [OrderAccepted], at time: WallTime) throws(StoreError)
        -> [ProcessOutcome]
    { [] }
    func outbox(limit: Int) throws(StoreError) -> [OutboxRow] { [] }
    func markPublished(_ rows: [Int64]) throws(StoreError) {}
    func outboxDepth() throws(StoreError) -> Int { 0 }
    func ping() throws(StoreError) {}
}

private let key = Array(SigningKey.documented.utf8)

private func bearer(_ user: String?) -> (String, String) {
    let subject = user.map { #""sub":"\#($0)","# } ?? ""
    let claims = Array("{\(subject)\"exp\":9000000000}".utf8)
    return ("Authorization", "Bearer " + JSONWebToken.sign(claims: claims, with: key))
}

/// One API over fakes, and one request through it.
private struct Bench {
    var store = FakeStore()
    var waitingCountMax = 8
    var orderRates: RateTable?

    func answer(
        _ method: String, _ target: String, user: String? = "CUST-0001", token: Bool = true,
        id: String? = nil, fields: [(String, String)] = [], body: String? = nil
    ) -> Response {
        let workers = WorkerPool(threadCount: 1, queueCountMax: 8)
        defer { workers.close() }
        let time = FakeClock()
        let acceptOrder = AcceptOrder(
            store: store, state: EmbeddedWorkflowState(clock: time), relay: WakeSignal(),
            clock: time, random: SeededRandom(seed: 1))
        var queueLimits = AcceptQueue.Limits()
        queueLimits.waitingCountMax = waitingCountMax
        let acceptQueue = AcceptQueue(acceptOrder: acceptOrder, limits: queueLimits)
        var identity = IdentitySettings()
        identity.signingKey = key
        identity.clockSkew = .zero
        let api = OrderAPI(
            authenticator: Authenticator(identity, ring: nil),
            store: store, acceptOrder: acceptOrder, acceptQueue: acceptQueue, workers: workers,
            orderRates: orderRates)
        var fields = fields
        if token { fields.append(bearer(user)) }
        if body != nil { fields.append(("Content-Type", "application/json; charset=utf-8")) }
        let request = Request.sample(method, target, fields: fields, body: Array((body ?? "").utf8))
        let answer = Monitor<Response?>(nil)
        let responder = Responder { response in answer.update { $0 = response } }
        var path = PathParameters()
        if let id { path.append("id", id) }
        switch (method, target.hasPrefix("/api/products"), id) {
        case ("GET", true, nil): api.listProducts(request, path, responder)
        case ("GET", true, _): api.getProduct(request, path, responder)
        case ("GET", false, nil): api.listOrders(request, path, responder)
        case ("GET", false, _): api.getOrder(request, path, responder)
        case ("DELETE", _, _): api.deleteOrder(request, path, responder)
        default:
            api.postOrder(request, path, responder)
            _ = acceptQueue.step(wait: .zero)
        }
        return answer.wait { $0 }!
    }
}

private func text(_ response: Response) -> String { String(decoding: response.body, as: UTF8.self) }

private let good = #"{"items":[{"productId":"AZ-700","quantity":2}]}"#

@Suite("OrderAPI") struct OrderAPITests {
    @Test func `a product has the nine members of the contract, its price two decimals`() {
        let response = Bench().answer("GET", "/api/products/AZ-700", id: "AZ-700")

        #expect(response.status == .ok)
        #expect(response.header("Content-Type") == "application/json; charset=utf-8")
        #expect(
            text(response)
                == #"{"externalProductId":"AZ-700","name":"Networking \"pro\"","category":"Networking","#
                + #""vendor":"Microsoft","imageUrl":"https://images.example/az-700.png","discount":30,"#
                + #""billingPeriod":"Monthly","isSubscription":true,"price":199.90}"#)
    }

    @Test func `an order is complete, and its moment ends in Z`() {
        #expect(
            text(Bench().answer("GET", "/api/orders/123", id: "123"))
                == #"{"id":123,"correlationId":"0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3","#
                + #""createdAt":"2026-02-04T10:12:45.123456Z","items":[{"productId":"AZ-700","#
                + #""productName":"N","imageUrl":"u","unitPrice":39.99,"quantity":1}]}"#)
    }

    @Test(arguments: [
        ("/api/products", 12), ("/api/products?size=1", 1), ("/api/orders", 10),
        ("/api/orders?offset=0&size=100", 100),
    ])
    func `a page echoes the size in force`(target: String, size: Int) {
        let response = Bench().answer("GET", target)

        #expect(response.status == .ok)
        #expect(text(response).hasPrefix(#"{"offset":0,"size":\#(size),"total":1,"items":[{"#))
    }

    @Test(arguments: ["offset=-1", "size=0", "size=101", "size=ten", "offset=2147483648", "size="])
    func `a page out of range is 400, not clamped`(query: String) {
        for collection in ["products", "orders"] {
            let response = Bench().answer("GET", "/api/\(collection)?\(query)")

            #expect(response.status == .badRequest)
            #expect(text(response).contains(#""detail":"Invalid pagination parameters.""#))
            #expect(text(response).contains(#""instance":"/api/\#(collection)?\#(query)""#))
        }
    }

    @Test func `a request without a good token is 401 without a challenge`() {
        let response = Bench().answer("GET", "/api/products", token: false)

        #expect(response.status == .unauthorized)
        #expect(response.header("WWW-Authenticate") == nil)
        #expect(response.header("Content-Type") == "application/problem+json")
        #expect(
            text(response).contains(#""title":"Unauthorized","status":401,"detail":"Unauthorized""#)
        )
    }

    @Test func `the trace goes on with the caller's`() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736"
        let response = Bench().answer(
            "GET", "/api/orders/0", id: "0",
            fields: [("traceparent", "00-\(id)-00f067aa0ba902b7-01")])

        #expect(text(response).contains("\"traceId\":\"00-\(id)-"))
    }

    @Test func `a token without a subject sees products and no orders`() {
        #expect(Bench().answer("GET", "/api/products", user: nil).status == .ok)
        let response = Bench().answer("GET", "/api/orders", user: nil)
        #expect(response.status == .forbidden)
        #expect(text(response).contains("Missing required identity claim (sub/nameidentifier)."))
    }

    @Test func `the order of the checks is the contract's`() {
        let list = Bench().answer("GET", "/api/orders?size=0", user: nil)
        let one = Bench().answer("GET", "/api/orders/0", user: nil, id: "0")
        let malformed = Bench().answer("POST", "/api/orders", user: nil, body: "{")
        let invalid = Bench().answer("POST", "/api/orders", user: nil, body: "{}")

        #expect(list.status == .forbidden)
        #expect(one.status == .badRequest)
        #expect(malformed.status == .badRequest)
        #expect(invalid.status == .forbidden)
    }

    @Test(arguments: [("0", 400), ("-1", 400), ("7", 404), ("123", 204), ("124", 403)])
    func `deleting tells absent, foreign and impossible orders apart`(id: String, status: Int) {
        #expect(Bench().answer("DELETE", "/api/orders/\(id)", id: id).status.rawValue == status)
    }

    @Test func `a blank product id is 400, an unknown one 404`() {
        let blank = Bench().answer("GET", "/api/products/%20", id: " ")
        let unknown = Bench().answer("GET", "/api/products/X", id: "X")

        #expect(text(blank).contains("Missing or invalid product id."))
        #expect(unknown.status == .notFound)
        #expect(text(unknown).contains("Product not found."))
    }

    @Test func `a store that is away is 503 with Retry-After, a broken one 500 without its reason`()
    {
        let away = Bench(store: FakeStore(failure: .unavailable("locked")))
            .answer("GET", "/api/products")
        let broken = Bench(store: FakeStore(failure: .failed("secret detail")))
            .answer("GET", "/api/products")

        #expect(away.status == .serviceUnavailable)
        #expect(away.header("Retry-After") == "2")
        #expect(broken.status == .internalServerError)
        #expect(!text(broken).contains("secret"))
        #expect(broken.header("Content-Type") == "application/problem+json")
    }
}

@Suite("POST /api/orders") struct PostOrderTests {
    @Test func `a good order is 201 with its place and its correlation id`() throws {
        let bench = Bench()
        let response = bench.answer("POST", "/api/orders", body: good)
        let taken = try #require(bench.store.taken.withLock { $0.last })

        #expect(response.status == .created)
        #expect(response.header("Location") == "/api/orders/123")
        #expect(response.header("X-Correlation-Id") == FakeStore.order.correlationID)
        #expect(taken.user == "CUST-0001")
        #expect(taken.lines == [AcceptRequest.Line(productID: "AZ-700", quantity: 2)])
        #expect(taken.idempotency == nil)
        #expect(taken.traceparent?.utf8.count == 55)
    }

    @Test(arguments: [
        (AcceptOutcome.repeated(FakeStore.order), 201), (.keyReused, 409),
        (.unknownProducts(["A", "B"]), 404),
    ])
    func `each outcome has its status`(outcome: AcceptOutcome, status: Int) {
        let response = Bench(store: FakeStore(outcome: outcome))
            .answer("POST", "/api/orders", body: good)

        #expect(response.status.rawValue == status)
        if status == 404 {
            #expect(text(response).contains("One or more products were not found: A, B"))
        }
    }

    @Test func `a user who sends too many orders is 429, and nobody else`() {
        let rates = RateTable(RateLimit(1, per: .seconds(60), burst: 2), time: FakeClock())
        let bench = Bench(orderRates: rates)
        for _ in 0..<2 {
            #expect(bench.answer("POST", "/api/orders", body: good).status == .created)
        }

        let response = bench.answer("POST", "/api/orders", body: good)

        #expect(response.status == .tooManyRequests)
        #expect(response.header("Retry-After") == "60")
        #expect(response.header("Content-Type") == "application/problem+json")
        #expect(bench.store.taken.withLock { $0.count } == 2)
        #expect(
            bench.answer("POST", "/api/orders", user: "CUST-0002", body: good).status == .created)
        #expect(bench.answer("GET", "/api/orders/123", id: "123").status == .ok)
    }

    @Test func `a full queue is 503 and the order is not taken`() {
        let bench = Bench(waitingCountMax: 0)
        let response = bench.answer("POST", "/api/orders", body: good)

        #expect(response.status == .serviceUnavailable)
        #expect(response.header("Retry-After") == "1")
        #expect(bench.store.taken.withLock { $0.isEmpty })
    }

    @Test(arguments: [
        "", "{", "[]", "null", "1", #""x""#, #"{"items":7}"#, #"{"items":{}}"#,
        #"{"items":[7]}"#, #"{"items":[[]]}"#, #"{"items":[{"productId":7,"quantity":1}]}"#,
        #"{"items":[{"productId":"A","quantity":1.5}]}"#,
        #"{"items":[{"productId":"A","quantity":1e2}]}"#,
        #"{"items":[{"productId":"A","quantity":2147483648}]}"#,
        #"{"items":[{"productId":"A","quantity":"many"}]}"#,
        #"{"items":[{"productId":"A","quantity":true}]}"#,
        #"{"items":[{"productId":"A","quantity":1},]}"#, good + "x", "\u{FEFF}" + good,
    ])
    func `a body that cannot be bound is 400 and reaches nobody`(body: String) {
        let bench = Bench()
        let response = bench.answer("POST", "/api/orders", body: body)

        #expect(response.status == .badRequest)
        #expect(text(response).contains(#""title":"Bad Request""#))
        #expect(bench.store.taken.withLock { $0.isEmpty })
    }

    @Test func `every prefix of a good body is 400`() {
        for count in 0..<good.utf8.count {
            #expect(throws: OrderRequestError.self) {
                try OrderRequest.parse(Array(good.utf8.prefix(count)))
            }
        }
    }

    @Test func `a depth bomb is refused, not recursed into`() {
        let bomb = String(repeating: "[", count: 1_000_000)
        #expect(throws: OrderRequestError.self) { try OrderRequest.parse(Array(bomb.utf8)) }
    }

    @Test(arguments: ["text/plain", "application/x-www-form-urlencoded", "", "json"])
    func `another media type is 415`(type: String) {
        let response = Bench().answer("POST", "/api/orders", fields: [("Content-Type", type)])
        #expect(response.status == .unsupportedMediaType)
        #expect(Bench().answer("POST", "/api/orders").status == .unsupportedMediaType)
    }

    @Test func `names have any case, the last one wins, numbers may be texts`() throws {
        let body =
            #"{"ITEMS":[],"Items":[{"PRODUCTID":"A","Quantity":"2","x":[{}]}],"customerId":1}"#
        let request = try OrderRequest.parse(Array(body.utf8))

        #expect(request.items == [OrderDraft.Item(productID: "A", quantity: 2)])
    }

    @Test(arguments: [
        (
            "{}",
            #"{"items":["Items collection is required.","At least one order item is required."]}"#
        ),
        (
            #"{"items":null}"#,
            #"{"items":["Items collection is required.","At least one order item is required."]}"#
        ),
        (#"{"items":[]}"#, #"{"items":["At least one order item is required."]}"#),
        (
            #"{"items":[{"productId":"A","quantity":1},{"productId":" \t"}]}"#,
            #"{"items[1].productId":["ProductId is required."],"#
                + #""items[1].quantity":["Quantity must be greater than 0."]}"#
        ),
        (#"{"items":[null]}"#, #"{"items[0]":["Item is required."]}"#),
        (
            #"{"items":[{"quantity":-2147483648}]}"#,
            #"{"items[0].productId":["ProductId is required."],"#
                + #""items[0].quantity":["Quantity must be greater than 0."]}"#
        ),
    ])
    func `every fault of the content is named, in the contract's words`(
        body: String, errors: String
    ) {
        let response = Bench().answer("POST", "/api/orders", body: body)

        #expect(response.status == .badRequest)
        #expect(text(response).contains(#""title":"One or more validation errors occurred.""#))
        #expect(text(response).contains("\"errors\":" + errors))
        #expect(!text(response).contains("\"detail\""))
    }

    @Test(arguments: [(1, true), (63, true), (64, true), (65, false)])
    func `an idempotency key has 1 to 64 visible characters`(count: Int, isGood: Bool) {
        let key = String(repeating: "k", count: count)
        let bench = Bench()
        let response = bench.answer(
            "POST", "/api/orders", fields: [("Idempotency-Key", key)], body: good)

        #expect((response.status == .created) == isGood)
        #expect(bench.store.taken.withLock { $0.last?.idempotency?.key } == (isGood ? key : nil))
        #expect(
            bench.store.taken.withLock { $0.last?.idempotency?.bodyDigest.count }
                == (isGood ? 32 : nil))
    }

    @Test(arguments: [[""], ["a b"], ["é"], ["a", "b"]])
    func `any other idempotency key is 400`(keys: [String]) {
        let fields = keys.map { ("Idempotency-Key", $0) }
        #expect(
            Bench().answer("POST", "/api/orders", fields: fields, body: good).status == .badRequest)
    }
}
