// ShopPages: the static shop, with the headers that keep strangers' scripts out of it.
//
// Thread: any; immutable.  Allocates: per answer.
// Source: Content Security Policy Level 3.

import WS

struct ShopPages: Sendable {
    private let files: StaticFiles

    /// Everything the shop loads is its own; it talks to its own origin only.
    private static let contentSecurityPolicy =
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; object-src 'none'; "
        + "form-action 'self'; frame-ancestors 'none'"

    /// - Parameter basePath: the path in front of all of the shop's own, "/shop", or empty.
    init(directory: String, basePath: String = "") throws(StaticFilesError) {
        files = try StaticFiles(directory: directory, basePath: basePath)
    }

    /// What no other route has; nil if the shop has nothing of that name either.
    func response(to request: Request) -> Response? {
        guard var response = files.response(to: request) else { return nil }
        response.add("Content-Security-Policy", Self.contentSecurityPolicy)
        response.add("Referrer-Policy", "no-referrer")
        return response
    }
}
