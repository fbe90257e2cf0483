// ConnectionTokens: the secrets that negotiate hands out, made so that nobody has to remember them.
//
//    0        4      5            11          16
//   +--------+------+------------+-----------+      one AES-128 block under a key of this hub;
//   | expiry | kind | random     | user      |      22 characters of base64url on the wire
//   | 32 bit | 8    | 48 bit     | 40 bit    |
//   +--------+------+------------+-----------+
//
// A token is a claim: this user, this hub, until then. It is checked by decrypting it: whoever
// guesses 16 bytes meets the user's 40 bits (an HMAC of the id), a known kind and an expiry within
// the next minute with a chance of about 2⁻⁷². So any loop of any pod that shares the key accepts it,
// and negotiate needs no table and no sticky sessions; and another user's token is worth nothing. The
// public connection id is derived one way from the token; a version 0 client has one text for both,
// as it asked for.
//
// What must be remembered is which tokens are in use or were: `claim` gives each token to one
// connection, once, within this process. A second pod would accept a token again until it expires.
//
// Thread: any; one lock.  Allocates: the texts, a table entry per attached connection.
// Source: SignalR TransportProtocols (connectionToken); FIPS 197; RFC 4648 §5.

import COpenSSL
import Loop
import Synchronization

/// What negotiate tells a client about its connection.
struct ConnectionIDs: Equatable, Sendable {
    /// Public: the hub's methods and the backplane use it. 22 characters.
    let connectionID: String
    /// Secret: the `id` of transport requests. 22 characters; must not be logged.
    let token: String
}

public final class ConnectionTokens: Sendable {
    /// Who may know the token's text: fixed when it is made.
    private enum Kind: UInt8 {
        /// The token is the connection id as well.
        case version0 = 1
        case version1 = 2
        /// The same for a client that wants stateful reconnect.
        case resumable = 3
    }

    fileprivate struct Block: Hashable, Sendable {
        var high: UInt64
        var low: UInt64
    }

    private enum Use: Sendable {
        case attached(HubTransport)
        /// Kept until the token would have expired anyway.
        case ended(expirySeconds: UInt32)
    }

    private struct Uses: Sendable {
        var table: [Block: Use] = [:]
        /// At this size entries that are no longer needed are looked for, so that the cost per token
        /// stays constant and the table at most twice what it must hold.
        var sweepCount = sweepCountMin
    }

    /// Why a token is not accepted.
    enum Refusal: Error, Equatable, Sendable {
        /// Forged, another user's, expired or used up: 404.
        case unknown
        /// Its connection is open, over this transport: 409, or 400 for another transport.
        case inUse(HubTransport)
    }

    private let blockKey: [UInt8]
    private let idKey: [UInt8]
    private let userKey: [UInt8]
    private let time: any TimeSource
    private let random: any RandomSource
    /// How long a token waits for its connection.
    private let lifetime: Duration
    private let uses = Mutex(Uses())

    /// Other pods' clocks may differ by this much from ours.
    private static let clockSkewSecondsMax: Int64 = 60
    private static let sweepCountMin = 1024

    /// - Parameters:
    ///   - secret: at least 32 bytes, the same in all pods; nil makes one for this process.
    ///   - hub: whose tokens they are; hubs that share a secret need different names.
    public init(
        secret: [UInt8]? = nil, hub: String = "", lifetime: Duration = .seconds(15),
        time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom()
    ) {
        var secret = secret ?? random.bytes(32)
        precondition(secret.count >= 32, "a shared secret needs 32 bytes")
        if !hub.isEmpty { secret = Self.hmac(Array(hub.utf8), key: secret) }
        precondition(lifetime >= .seconds(1))
        blockKey = Array(Self.hmac(Array("token".utf8), key: secret)[..<16])
        idKey = Self.hmac(Array("connection id".utf8), key: secret)
        userKey = Self.hmac(Array("user".utf8), key: secret)
        self.lifetime = lifetime
        self.time = time
        self.random = random
    }

    /// Ids for a client that negotiated this version, 0 or 1.
    ///
    /// - Parameter isResumable: it was granted stateful reconnect, which version 0 does not have.
    func make(version: Int, user: String? = nil, isResumable: Bool = false) -> ConnectionIDs {
        let kind: Kind = version == 0 ? .version0 : isResumable ? .resumable : .version1
        let expiry = time.wallNow.advanced(by: lifetime).seconds
        var plain = withUnsafeBytes(of: UInt32(truncatingIfNeeded: expiry).bigEndian, Array.init)
        plain.append(kind.rawValue)
        plain += random.bytes(6)
        plain += mark(of: user)
        let token = Self.crypt(plain, key: blockKey, encrypting: true)
        let text = Base64URL.encode(token)
        return ConnectionIDs(
            connectionID: version == 0 ? text : derivedID(of: token), token: text)
    }

    /// An id for a connection that skipped the negotiation and has no token.
    func makeConnectionID() -> String { Base64URL.encode(random.bytes(16)) }

    /// What a token says.
    struct Opened: Equatable, Sendable {
        let connectionID: String
        /// Its client was granted stateful reconnect.
        let isResumable: Bool
        fileprivate let block: Block
        fileprivate let expirySeconds: UInt32
    }

    /// Gives the token's connection to the caller, who holds it as long as the claim lives.
    func claim(
        _ text: String, user: String? = nil, for transport: HubTransport = .webSockets
    ) throws(Refusal) -> ConnectionClaim {
        let opened = try open(text, user: user)
        let (block, expiry) = (opened.block, opened.expirySeconds)
        let now = time.wallNow.seconds
        let refusal = uses.withLock { uses -> Refusal? in
            switch uses.table[block] {
            case .attached(let transport): return .inUse(transport)
            case .ended: return .unknown
            case nil: break
            }
            if now > Int64(expiry) { return .unknown }
            if uses.table.count >= uses.sweepCount { Self.sweep(&uses, now: now) }
            uses.table[block] = .attached(transport)
            return nil
        }
        if let refusal { throw refusal }
        return ConnectionClaim(self, block, expirySeconds: expiry, opened: opened)
    }

    /// Whether a connection may begin with this token: no process that we know of has used it.
    func isFresh(_ text: String, user: String? = nil) -> Bool {
        guard let opened = try? open(text, user: user) else { return false }
        return uses.withLock { $0.table[opened.block] } == nil
            && time.wallNow.seconds <= Int64(opened.expirySeconds)
    }

    /// Tokens in use, and those whose use must still be remembered.
    var rememberedCount: Int { uses.withLock { $0.table.count } }

    fileprivate func end(_ block: Block, expirySeconds: UInt32) {
        let now = time.wallNow.seconds
        uses.withLock { uses in
            // An expired token is refused without the table's help.
            uses.table[block] =
                now > Int64(expirySeconds) ? nil : .ended(expirySeconds: expirySeconds)
        }
    }

    private static func sweep(_ uses: inout Uses, now: Int64) {
        uses.table = uses.table.filter { _, use in
            if case .ended(let expiry) = use { return Int64(expiry) >= now }
            return true
        }
        uses.sweepCount = max(sweepCountMin, 2 * uses.table.count)
    }

    /// Decrypts and checks a token; whether it is used or expired is not looked at.
    func open(_ text: String, user: String? = nil) throws(Refusal) -> Opened {
        guard let token = Base64URL.decode(text.utf8), token.count == 16 else { throw .unknown }
        let plain = Self.crypt(token, key: blockKey, encrypting: false)
        guard let kind = Kind(rawValue: plain[4]) else { throw .unknown }
        if !plain[11...].elementsEqual(mark(of: user)) { throw .unknown }
        let expiry = plain[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let latest = time.wallNow.advanced(by: lifetime).seconds + Self.clockSkewSecondsMax
        if Int64(expiry) > latest { throw .unknown }
        let block = token.withUnsafeBytes {
            Block(
                high: $0.loadUnaligned(as: UInt64.self),
                low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return Opened(
            connectionID: kind == .version0 ? text : derivedID(of: token),
            isResumable: kind == .resumable, block: block, expirySeconds: expiry)
    }

    /// 40 bits that another user has with a chance of 2⁻⁴⁰. Nobody's are zeros.
    private func mark(of user: String?) -> [UInt8] {
        guard let user else { return [0, 0, 0, 0, 0] }
        return Array(Self.hmac(Array(user.utf8), key: userKey)[..<5])
    }

    private func derivedID(of token: [UInt8]) -> String {
        Base64URL.encode(Array(Self.hmac(token, key: idKey)[..<16]))
    }

    private static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            let result = HMAC(
                EVP_sha256(), key, Int32(key.count), bytes, bytes.count, output.baseAddress, nil)
            precondition(result != nil, "HMAC-SHA256 of memory failed")
            count = 32
        }
    }

    /// One block of AES-128 without padding. A single block of unique content is what ECB is safe for.
    private static func crypt(_ block: [UInt8], key: [UInt8], encrypting: Bool) -> [UInt8] {
        precondition(block.count == 16 && key.count == 16)
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        return [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            var written: Int32 = 0
            let isReady =
                EVP_CipherInit_ex(
                    context, EVP_aes_128_ecb(), nil, key, nil, encrypting ? 1 : 0) == 1
                && EVP_CIPHER_CTX_set_padding(context, 0) == 1
            let isDone =
                isReady
                && EVP_CipherUpdate(context, output.baseAddress, &written, block, 16) == 1
            precondition(isDone && written == 16, "AES of one block failed")
            count = 16
        }
    }
}

/// One connection's hold on its token; letting go of it ends the token for good.
final class ConnectionClaim: Sendable {
    let connectionID: String
    /// The client was granted stateful reconnect.
    let isResumable: Bool
    private let tokens: ConnectionTokens
    private let block: ConnectionTokens.Block
    private let expirySeconds: UInt32

    fileprivate init(
        _ tokens: ConnectionTokens, _ block: ConnectionTokens.Block, expirySeconds: UInt32,
        opened: ConnectionTokens.Opened
    ) {
        self.tokens = tokens
        self.block = block
        self.expirySeconds = expirySeconds
        connectionID = opened.connectionID
        isResumable = opened.isResumable
    }

    deinit { tokens.end(block, expirySeconds: expirySeconds) }
}
