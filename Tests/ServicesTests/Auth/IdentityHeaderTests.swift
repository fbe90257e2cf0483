import Hub
import Loop
import TestSupport
import Testing
import WS

@testable import Services

@Suite struct IdentityHeaderTests {
    private static let key = Array("dev-it-signing-key-please-change-123456".utf8)

    private let ingress: Ingress = {
        var ingress = Ingress()
        ingress.proxies = TrustedNetworks("10.0.0.0/8")!
        return ingress
    }()

    /// What the request is worth: its user, or why it has none.
    private func outcome(
        _ fields: [(String, String)], from peer: String = "10.0.0.4",
        forwardedFor: String? = "1.2.3.4",
        header: String? = "X-Auth-User"
    ) -> Result<String?, TokenError> {
        var fields = fields
        if let forwardedFor { fields.append(("X-Forwarded-For", forwardedFor)) }
        let request = Request.sample(
            "GET", "/", fields: fields, peer: PeerAddress(ip: IPAddress(peer)!), ingress: ingress)
        var settings = IdentitySettings()
        settings.signingKey = Self.key
        settings.identityHeader = header.map {
            IdentityHeader(name: $0, allowedOrigins: ["https://friend.example"])
        }
        let authenticator = Authenticator(settings, ring: nil, time: FakeClock())
        do throws(TokenError) {
            return .success(try authenticator.authenticate(request).user)
        } catch {
            return .failure(error)
        }
    }

    @Test func `whom the ingress names is let in`() {
        #expect(outcome([("X-Auth-User", "alice")]) == .success("alice"))
        #expect(outcome([("x-auth-user", "José")]) == .success("José"))
    }

    @Test func `without the setting nobody is let in by a header`() {
        #expect(outcome([("X-Auth-User", "alice")], header: nil) == .failure(.missing))
    }

    @Test func `past the ingress the header is as good as none`() {
        let fields = [("X-Auth-User", "alice")]
        #expect(outcome(fields, from: "11.0.0.1") == .failure(.missing))
        #expect(outcome(fields, forwardedFor: nil) == .failure(.missing))
        #expect(outcome([]) == .failure(.missing))
    }

    @Test(
        arguments: [
            [""], ["alice", "alice"], ["alice", ""], ["al\tice"],
            [String(repeating: "a", count: 65)],
        ])
    func `a header that is repeated or no user's name is refused`(users: [String]) {
        #expect(outcome(users.map { ("X-Auth-User", $0) }) == .failure(.identityHeader))
    }

    @Test func `bytes that are no UTF-8 name nobody`() {
        #expect(outcome([("X-Auth-User", "al\u{FFFD}ice")]) == .failure(.identityHeader))
    }

    @Test(
        arguments: [
            (["http://test"], true), (["https://friend.example"], true),
            (["https://evil.example"], false), (["null"], false),
            (["http://test", "http://test"], false),
            (["https://friend.example", "https://friend.example"], false),
        ])
    func `a stranger's page does not act for the user`(origins: [String], isLetIn: Bool) {
        let fields = [("X-Auth-User", "alice")] + origins.map { ("Origin", $0) }
        #expect(outcome(fields) == (isLetIn ? .success("alice") : .failure(.foreignOrigin)))
    }

    @Test func `a token speaks before the ingress does, and a bad one for nobody`() {
        let header = #"{"alg":"HS256"}"#
        let signed =
            Base64URL.encode(Array(header.utf8)) + "."
            + Base64URL.encode(Array(#"{"sub":"bob","exp":4102444800}"#.utf8))
        let token =
            signed + "." + Base64URL.encode(HMACSHA256.sign(Array(signed.utf8), key: Self.key))

        let user = ("X-Auth-User", "alice")
        #expect(outcome([user, ("Authorization", "Bearer \(token)")]) == .success("bob"))
        #expect(outcome([user, ("Authorization", "Bearer \(token)x")]) == .failure(.signature))
        // What a browser adds for the ingress is no token.
        #expect(outcome([user, ("Authorization", "Basic YTpi")]) == .success("alice"))
    }
}
