// CORSPolicy: which pages of other origins may read our answers.
//
//   OPTIONS + Origin + Access-Control-Request-Method ─▶ 204 with grants, before any route or token
//   everything else with a known Origin              ─▶ its answer, errors too, with allow-origin
//
// Thread: a pure value.  Allocates: the fields added.  Source: Fetch standard, "CORS protocol".

/// One policy; the server applies it below a path prefix.
public struct CORSPolicy: Sendable {
    /// Compared byte for byte, as browsers send them: `http://localhost:4200`.
    public var allowedOrigins: [String]
    /// Whether pages may send cookies and other credentials.
    public var allowsCredentials: Bool
    /// Response fields that pages may read beyond the safe ones.
    public var exposedHeaders: [String]

    public init(
        allowedOrigins: [String], allowsCredentials: Bool = false, exposedHeaders: [String] = []
    ) {
        self.allowedOrigins = allowedOrigins
        self.allowsCredentials = allowsCredentials
        self.exposedHeaders = exposedHeaders
    }

    /// The answer to a preflight; nil if `request` is none. A page of an unknown origin gets 204
    /// without grants, which its browser takes as a refusal.
    func preflight(_ request: Request) -> Response? {
        guard request.method == .options, request.header(.origin) != nil,
            let method = request.header(.accessControlRequestMethod)
        else { return nil }
        var response = Response(.noContent)
        guard grantOrigin(request, &response) else { return response }
        response.add("Access-Control-Allow-Methods", method)
        if let headers = request.header(.accessControlRequestHeaders) {
            response.add("Access-Control-Allow-Headers", headers)
        }
        return response
    }

    /// Adds what an answer that is no preflight carries.
    func decorate(_ response: inout Response, to request: Request) {
        guard grantOrigin(request, &response) else { return }
        if !exposedHeaders.isEmpty {
            response.add("Access-Control-Expose-Headers", exposedHeaders.joined(separator: ", "))
        }
    }

    /// True if the origin is known. The answer varies with the origin either way.
    private func grantOrigin(_ request: Request, _ response: inout Response) -> Bool {
        response.add("Vary", "Origin")
        guard let origin = request.header(.origin), allowedOrigins.contains(origin) else {
            return false
        }
        response.add("Access-Control-Allow-Origin", origin)
        if allowsCredentials { response.add("Access-Control-Allow-Credentials", "true") }
        return true
    }
}
