import Hub
import Testing

@testable import bench

@Suite struct ClientTokensTests {
    @Test func `each client has a user of its own, or takes turns`() {
        let one = ClientTokens(access: .secret("k", issuer: nil, audience: nil, userCount: 3))

        #expect((0..<4).map { one.user(of: $0) } == ["bench-0", "bench-1", "bench-2", "bench-0"])
        #expect(ClientTokens(access: .token("t")).token(of: 5) == "t")
        #expect(ClientTokens(access: .none).token(of: 5) == nil)
    }

    /// The signature was made with another program (openssl dgst -sha256 -hmac).
    @Test func `a token is signed with HMAC-SHA256 over its two first parts`() throws {
        let token = ClientTokens.sign(
            user: "u", issuer: "i", audience: "a", now: 1_000_060, secret: Array("secret".utf8))
        let parts = token.split(separator: ".").map(String.init)
        let claims = try #require(Base64URL.decode(parts[1].utf8))

        #expect(parts.count == 3)
        #expect(
            String(decoding: claims, as: UTF8.self)
                == #"{"sub":"u","nbf":1000000,"exp":1086460,"iss":"i","aud":"a"}"#)
        #expect(parts[2] == "UVpt331HKEaI0FJr2vSdaLxTP80w1LyyCieEF9wuW80")
    }
}
