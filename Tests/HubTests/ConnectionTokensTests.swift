import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("ConnectionTokens") struct ConnectionTokensTests {
    private let clock = FakeClock()
    private let secret = [UInt8](repeating: 7, count: 32)

    @Test func `version 1 has two ids and version 0 has one`() {
        let tokens = make()
        let one = tokens.make(version: 1)
        let zero = tokens.make(version: 0)

        #expect(one.connectionID != one.token)
        #expect(zero.connectionID == zero.token)
        for text in [one.connectionID, one.token, zero.token, tokens.makeConnectionID()] {
            #expect(text.utf8.count == 22)
            #expect(text.utf8.allSatisfy { Base64URL.encode([$0]).utf8.count == 2 })
        }
    }

    @Test func `a claim has the connection id that was negotiated`() throws {
        let tokens = make()
        for version in 0...1 {
            let ids = tokens.make(version: version)
            let claim = try tokens.claim(ids.token)
            #expect(claim.connectionID == ids.connectionID)
        }
    }

    @Test func `the connection id of version 1 is no token`() {
        let tokens = make()
        let ids = tokens.make(version: 1)
        #expect(refusal(ids.connectionID, of: tokens) == .unknown)
        #expect(!tokens.isFresh(ids.connectionID))
        #expect(refusal(tokens.makeConnectionID(), of: tokens) == .unknown)
    }

    @Test func `every changed character makes a token unknown`() {
        let tokens = make()
        let token = Array(tokens.make(version: 1).token.utf8)
        for index in token.indices {
            var forged = token
            forged[index] =
                token[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(refusal(String(decoding: forged, as: UTF8.self), of: tokens) == .unknown)
        }
    }

    @Test(arguments: ["", "A", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA=", "!"])
    func `what was never made is unknown`(text: String) {
        #expect(refusal(text, of: make()) == .unknown)
    }

    @Test func `a token has one text only`() {
        let tokens = make()
        let token = tokens.make(version: 1).token
        // The last character carries two bits of the token and four that must be zero.
        let last = Character(String(token.last!))
        let others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            .filter { $0 != last }
        for other in others {
            #expect(refusal(token.dropLast() + String(other), of: tokens) == .unknown)
        }
    }

    @Test(arguments: [(14, true), (15, true), (16, false)])
    func `a token lives for 15 seconds unattached`(seconds: Int, isAlive: Bool) {
        let tokens = make()
        let token = tokens.make(version: 1).token

        clock.advance(by: .seconds(seconds))

        #expect(tokens.isFresh(token) == isAlive)
        #expect((refusal(token, of: tokens) == nil) == isAlive)
    }

    @Test func `an attached token is in use, however old, and unknown afterwards`() throws {
        let tokens = make()
        let token = tokens.make(version: 1).token
        var claim: ConnectionClaim? = try tokens.claim(token)

        #expect(refusal(token, of: tokens) == .inUse(.webSockets))
        clock.advance(by: .seconds(3600))
        #expect(refusal(token, of: tokens) == .inUse(.webSockets))
        #expect(!tokens.isFresh(token))
        #expect(claim != nil)

        claim = nil
        #expect(refusal(token, of: tokens) == .unknown)
        #expect(!tokens.isFresh(token))
    }

    @Test func `a token that ended within its 15 seconds cannot be used again`() throws {
        let tokens = make()
        let token = tokens.make(version: 1).token
        var claim: ConnectionClaim? = try tokens.claim(token)
        #expect(claim != nil)

        claim = nil

        #expect(refusal(token, of: tokens) == .unknown)
        clock.advance(by: .seconds(10))
        #expect(refusal(token, of: tokens) == .unknown)
    }

    @Test func `another user's token is worth nothing, nor is another hub's`() throws {
        let tokens = make()
        for (owner, stranger) in [("ann", "bob"), ("ann", nil), (nil, "ann")]
            as [(String?, String?)]
        {
            let token = tokens.make(version: 1, user: owner).token
            #expect(throws: ConnectionTokens.Refusal.unknown) {
                try tokens.open(token, user: stranger)
            }
            #expect(!tokens.isFresh(token, user: stranger))
            #expect(tokens.isFresh(token, user: owner))
        }
        let other = ConnectionTokens(secret: secret, hub: "other", time: clock)
        #expect(!other.isFresh(tokens.make(version: 1).token))
    }

    @Test func `a token says whether stateful reconnect was granted`() throws {
        let tokens = make()
        for isResumable in [true, false] {
            let ids = tokens.make(version: 1, isResumable: isResumable)
            #expect(try tokens.open(ids.token).isResumable == isResumable)
            #expect(try tokens.open(ids.token).connectionID == ids.connectionID)
        }
    }

    @Test func `pods with the same secret accept each other's tokens`() throws {
        let ids = make().make(version: 1)

        #expect(try make().claim(ids.token).connectionID == ids.connectionID)
        #expect(refusal(ids.token, of: make(secret: [UInt8](repeating: 8, count: 32))) == .unknown)
    }

    @Test func `many used tokens do not stay in the table`() throws {
        let tokens = make()
        var first: String?
        for _ in 0..<3000 {
            let token = tokens.make(version: 1).token
            first = first ?? token
            _ = try tokens.claim(token)
            clock.advance(by: .milliseconds(20))
        }
        #expect(tokens.rememberedCount <= 2048)
        #expect(refusal(first!, of: tokens) == .unknown)
    }

    private func make(secret: [UInt8]? = nil) -> ConnectionTokens {
        ConnectionTokens(secret: secret ?? self.secret, time: clock, random: SystemRandom())
    }

    private func refusal(
        _ token: String, of tokens: ConnectionTokens
    ) -> ConnectionTokens.Refusal? {
        do {
            _ = try tokens.claim(token)
            return nil
        } catch { return error }
    }
}
