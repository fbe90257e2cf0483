// ProductEndpoints: GET /api/products and /api/products/{id}.
//
// Any valid token may look, with or without a subject.
//
// Thread: handlers on any loop; store calls on workers.

import WS

extension OrderAPI {
    private static let productPageSizeDefault = 12

    func listProducts(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard principal(of: request, responder) != nil else { return }
        guard let page = PageQuery(request, sizeDefault: Self.productPageSizeDefault) else {
            return responder.respond(Refusal.paging.response(to: request))
        }
        answer(request, responder) { [store] () throws(StoreError) in
            .json(OrderJSON.bytes(try store.products(offset: page.offset, size: page.size)))
        }
    }

    func getProduct(_ request: Request, _ path: PathParameters, _ responder: Responder) {
        guard principal(of: request, responder) != nil else { return }
        let id = path["id"] ?? ""
        guard !SettingValue.trimmed(id).isEmpty else {
            return responder.respond(Refusal.productID.response(to: request))
        }
        answer(request, responder) { [store] () throws(StoreError) in
            guard let product = try store.product(externalID: id) else {
                return Refusal.productNotFound.response(to: request)
            }
            return .json(OrderJSON.bytes(product))
        }
    }
}
