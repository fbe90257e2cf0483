// OrderAPI: the routes of the order service, and what their handlers share.
//
//   loop: route ─▶ token ─▶ input checked ─┬─▶ worker: store call ─▶ Response ─▶ responder
//                                          └─▶ accept queue: commit ─▶ Response ─▶ responder
//
// Nothing here blocks a loop: what needs the store leaves the loop as a closure over values.
//
// Thread: handlers on any loop, store calls on workers; all immutable.  Allocates: per request.
// Source: the .NET system's order-accept, whose clients must not notice the difference.

import Loop
import WS

public struct OrderAPI: Sendable {
    let authenticator: Authenticator
    let store: any OrderStore
    let acceptOrder: AcceptOrder
    let acceptQueue: AcceptQueue
    let workers: WorkerPool
    /// Orders by user; nil is no limit.
    let orderRates: RateTable?
    private let log = Log("api")

    /// - Parameters:
    ///   - acceptOrder: the one `acceptQueue` commits with.
    ///   - workers: threads for all other calls of the store.
    ///   - orderRates: how many orders a user may send.
    public init(
        authenticator: Authenticator, store: any OrderStore, acceptOrder: AcceptOrder,
        acceptQueue: AcceptQueue, workers: WorkerPool, orderRates: RateTable? = nil
    ) {
        self.authenticator = authenticator
        self.store = store
        self.acceptOrder = acceptOrder
        self.acceptQueue = acceptQueue
        self.workers = workers
        self.orderRates = orderRates
    }

    /// Adds the routes to a loop's router.
    public func addRoutes(to router: inout Router) {
        router.on(.get, "/api/products", listProducts)
        router.on(.get, "/api/products/{id}", getProduct)
        router.on(.get, "/api/orders", listOrders)
        router.on(.get, "/api/orders/{id:long}", getOrder)
        router.on(.post, "/api/orders", urgency: .deferrable, postOrder)
        router.on(.delete, "/api/orders/{id:long}", deleteOrder)
    }

    // MARK: Shared by the handlers

    /// Who asks; nil after a 401 has been sent.
    func principal(of request: Request, _ responder: Responder) -> Principal? {
        do throws(TokenError) {
            return try authenticator.authenticate(request)
        } catch {
            log.debug(
                "token refused", [.string("trace_id", request.trace.text), .reason(error.reason)])
            responder.respond(Refusal.unauthorized.response(to: request))
            return nil
        }
    }

    /// The subject; nil after a 403 has been sent.
    func user(of principal: Principal, _ request: Request, _ responder: Responder) -> String? {
        if principal.user == nil {
            responder.respond(Refusal.noSubject.response(to: request))
        }
        return principal.user
    }

    /// Runs `work` on a worker and sends what it returns.
    func answer(
        _ request: Request, _ responder: Responder,
        by work: @escaping @Sendable () throws(StoreError) -> Response
    ) {
        let isQueued = workers.submit { isLate in
            if isLate { return responder.respond(Refusal.busy(request)) }
            do throws(StoreError) {
                responder.respond(try work())
            } catch {
                responder.respond(response(for: error, request))
            }
        }
        if !isQueued { responder.respond(Refusal.busy(request)) }
    }

    /// What the client is told of a store's failure; the reason is for the log only.
    func response(for error: StoreError, _ request: Request) -> Response {
        switch error {
        case .unavailable(let reason):
            log.warning(
                "store unavailable", [.string("trace_id", request.trace.text), .reason(reason)])
            return Refusal.unavailable(request)
        case .failed(let reason):
            log.error("store failed", [.string("trace_id", request.trace.text), .reason(reason)])
            return Refusal.internalError.response(to: request)
        }
    }
}
