// OrderEndpoints: POST, GET and DELETE on /api/orders.
//
// The order of the checks is part of the contract: a list wants its subject before its paging, one
// order wants its id before its subject, a POST wants its body, its subject, then its content.
//
// Thread: handlers on any loop; store calls on workers; a POST's answer on the accept thread.

import Loop
import WS

extension OrderAPI {
    private static let orderPageSizeDefault = 10

    func listOrders(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard let principal = principal(of: request, responder),
            let user = user(of: principal, request, responder)
        else { return }
        guard let page = PageQuery(request, sizeDefault: Self.orderPageSizeDefault) else {
            return responder.respond(Refusal.paging.response(to: request))
        }
        answer(request, responder) { [store] () throws(StoreError) in
            .json(OrderJSON.bytes(try store.orders(of: user, offset: page.offset, size: page.size)))
        }
    }

    func getOrder(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard let (id, user) = orderAndUser(request, path, responder) else { return }
        answer(request, responder) { [store] () throws(StoreError) in
            guard let order = try store.order(id: id, of: user) else {
                return Refusal.orderNotFound.response(to: request)
            }
            return .json(OrderJSON.bytes(order))
        }
    }

    func deleteOrder(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard let (id, user) = orderAndUser(request, path, responder) else { return }
        answer(request, responder) { [store] () throws(StoreError) in
            switch try store.deleteOrder(id: id, by: user) {
            case .deleted: Response(.noContent)
            case .notFound: Refusal.orderNotFound.response(to: request)
            case .forbidden: Refusal.foreignOrder.response(to: request)
            }
        }
    }

    /// What the routes of one order need; nil after a refusal has been sent.
    private func orderAndUser(
        _ request: Request, _ path: PathParameters, _ responder: Responder
    ) -> (id: Int64, user: String)? {
        guard let principal = principal(of: request, responder) else { return nil }
        guard let id = path.integer("id"), id >= 1 else {
            responder.respond(Refusal.orderID.response(to: request))
            return nil
        }
        guard let user = user(of: principal, request, responder) else { return nil }
        return (id, user)
    }

    func postOrder(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard let principal = principal(of: request, responder) else { return }
        // In front of what costs more than a token.
        if let user = principal.user, let wait = orderRates?.take(user) {
            acceptQueue.counters.userRefused.add(1)
            return responder.respond(Refusal.tooMany(request, after: wait))
        }
        guard MediaType.isJSON(request.header(.contentType)) else {
            return responder.respond(Refusal.mediaType.response(to: request))
        }
        let draft: OrderDraft
        do throws(OrderRequestError) { draft = try OrderRequest.parse(request.body) } catch {
            return responder.respond(Refusal.malformedBody(error.reason).response(to: request))
        }
        guard let user = user(of: principal, request, responder) else { return }
        // Two keys in one request would each promise something else.
        guard request.headerCount(.idempotencyKey) <= 1 else {
            return responder.respond(Refusal.idempotencyKeys.response(to: request))
        }
        do throws(ValidationErrors) {
            let order = try acceptOrder.prepare(
                draft, user: user, idempotencyKey: request.header(.idempotencyKey),
                traceparent: request.outgoingTrace.text)
            accept(order, request, responder)
        } catch {
            responder.respond(Refusal.validation(error).response(to: request))
        }
    }

    private func accept(_ order: AcceptRequest, _ request: Request, _ responder: Responder) {
        let isQueued = acceptQueue.submit(order) { result in
            switch result {
            case .success(let outcome):
                responder.respond(Self.response(for: outcome, request))
            case .failure(let error):
                responder.respond(response(for: error, request))
            }
        }
        if !isQueued { responder.respond(Refusal.busy(request)) }
    }

    private static func response(for outcome: AcceptOutcome, _ request: Request) -> Response {
        switch outcome {
        case .accepted(let order), .repeated(let order):
            var response = Response.json(OrderJSON.bytes(order), status: .created)
            response.add("Location", "\(request.basePath)/api/orders/\(order.id)")
            response.add("X-Correlation-Id", order.correlationID)
            return response
        case .keyReused: return Refusal.keyReused.response(to: request)
        case .unknownProducts(let ids): return Refusal.unknownProducts(ids).response(to: request)
        }
    }
}
