// Refusal: the problems of the API, with the exact words its clients know.
//
// Thread: constants and pure functions.  Allocates: the response.
// Source: the .NET system's details and titles; RFC 9110 §10.2.3 (Retry-After).

import WS

enum Refusal {
    static let unauthorized = Problem(.unauthorized, detail: "Unauthorized")
    static let noSubject = Problem(
        .forbidden, detail: "Missing required identity claim (sub/nameidentifier).")
    static let foreignOrder = Problem(
        .forbidden, detail: "Order does not belong to the authenticated user.")
    static let paging = Problem(.badRequest, detail: "Invalid pagination parameters.")
    static let orderID = Problem(.badRequest, detail: "Invalid order id.")
    static let productID = Problem(.badRequest, detail: "Missing or invalid product id.")
    static let orderNotFound = Problem(.notFound, detail: "Order not found.")
    static let productNotFound = Problem(.notFound, detail: "Product not found.")
    static let mediaType = Problem(
        .unsupportedMediaType, detail: "The request body must be application/json.")
    static let idempotencyKeys = Problem(
        .badRequest, detail: "Idempotency-Key may be sent once only.")
    static let keyReused = Problem(
        .conflict, detail: "Idempotency-Key was used before with another request body.")
    static let internalError = Problem(
        .internalServerError, detail: "The request could not be completed.")

    static func unknownProducts(_ ids: [String]) -> Problem {
        Problem(
            .notFound,
            detail: "One or more products were not found: " + ids.joined(separator: ", "))
    }

    static func malformedBody(_ reason: String) -> Problem {
        Problem(.badRequest, detail: "The request body is not valid: \(reason).")
    }

    static func validation(_ errors: ValidationErrors) -> Problem {
        Problem(
            .badRequest, title: "One or more validation errors occurred.",
            errors: errors.entries.map { (member: $0.key, messages: $0.messages) })
    }

    /// Too many requests wait already.
    static func busy(_ request: Request) -> Response {
        later(request, after: 1, "The server is busy; try again.")
    }

    /// The store does not answer in time.
    static func unavailable(_ request: Request) -> Response {
        later(request, after: 2, "A dependency is not available; try again.")
    }

    private static func later(_ request: Request, after seconds: Int, _ detail: String) -> Response
    {
        Problem(.serviceUnavailable, detail: detail)
            .response(to: request, retryAfter: .seconds(seconds))
    }

    /// The user sends more than it may.
    static func tooMany(_ request: Request, after wait: Duration) -> Response {
        Problem(.tooManyRequests, detail: "Too many requests; try again later.")
            .response(to: request, retryAfter: wait)
    }
}
