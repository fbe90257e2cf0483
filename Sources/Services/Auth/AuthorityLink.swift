// AuthorityLink: keeps the key ring filled from an OpenID Connect authority.
//
//   tick ─▶ KeyRefresh ─▶ GET metadata ─▶ GET keys ─▶ KeyRing ─▶ every loop
//                             │              │
//                             └── failed ◀───┘      the last good keys stay
//
// Thread: one loop (the links').  Allocates: per refresh.
// Source: OpenID Connect Discovery 1.0 §4; RFC 7517 §5; RFC 9111 §5.2.2.1 (max-age).

import Loop
import WS

private let log = Log("identity")

public final class AuthorityLink {
    /// How often the loop looks whether a refresh is due: the delay of one that a token asks for.
    private static let tickInterval: Duration = .milliseconds(250)

    private let authority: HTTPURL
    private let settings: IdentitySettings
    private let ring: KeyRing
    private let status: LinkStatus
    private let client: HTTPClient
    private let random: any RandomSource
    private let reactor: Reactor
    private var refresh: KeyRefresh

    /// Made on the loop's thread, before its first tick or later; begins at once, and goes on as long
    /// as the loop runs.
    ///
    /// - Parameters:
    ///   - settings: with an authority.
    ///   - status: down while the authority does not answer; that alone makes nobody unready.
    public static func start(
        on reactor: Reactor, _ settings: IdentitySettings, ring: KeyRing, status: LinkStatus,
        random: any RandomSource = SystemRandom()
    ) throws(TLSConfigurationError) {
        let link = try AuthorityLink(reactor, settings, ring, status, random)
        reactor.every(tickInterval) { link.tick() }
        link.tick()
    }

    private init(
        _ reactor: Reactor, _ settings: IdentitySettings, _ ring: KeyRing, _ status: LinkStatus,
        _ random: any RandomSource
    ) throws(TLSConfigurationError) {
        guard let authority = settings.authority else {
            preconditionFailure("there is no authority to ask")
        }
        self.authority = authority
        self.settings = settings
        self.ring = ring
        self.status = status
        self.random = random
        self.reactor = reactor
        var trust = TLSClientContext.Settings()
        trust.authorityFile = settings.authorityCertificates
        client = HTTPClient(reactor: reactor, tls: try TLSClientContext(trust))
        refresh = KeyRefresh(settings.refresh, now: reactor.now)
    }

    private func tick() {
        // A wish that comes while a request is under way may well be met by its answer.
        let isKeyMissing = refresh.isWaiting && ring.takeRefreshWish()
        guard refresh.begins(at: reactor.now, isKeyMissing: isKeyMissing) else { return }
        fetch(authority.appending(AuthorityMetadata.path)) {
            [self] response throws(KeyFetchError) in
            let metadata = try AuthorityMetadata(
                parsing: response.body, pinnedIssuer: settings.issuer,
                requiresTLS: !settings.isDevelopment)
            refresh.metadataRead()
            fetchKeys(metadata)
        }
    }

    private func fetchKeys(_ metadata: AuthorityMetadata) {
        fetch(metadata.keys) { [self] response throws(KeyFetchError) in
            let set: JSONWebKeySet
            do throws(JSONWebKeySetError) {
                set = try JSONWebKeySet(parsing: response.body)
            } catch {
                throw KeyFetchError("the key set is malformed: \(error)")
            }
            // An authority without keys is more likely broken than without users.
            if set.keys.isEmpty {
                throw KeyFetchError("the key set has no key we can use (\(Self.text(set.skipped)))")
            }
            refresh.keysRead(maxAge: Self.maxAge(of: response), at: reactor.now)
            ring.install(issuer: metadata.issuer, set)
            status.wentUp()
            log.info(
                "keys of the authority are here",
                [
                    .string("authority", authority.redacted), .string("issuer", metadata.issuer),
                    .integer("keys", set.keys.count), .string("skipped", Self.text(set.skipped)),
                ])
        }
    }

    /// Gets a document and hands it on; whatever goes wrong is this refresh's failure.
    private func fetch(
        _ url: HTTPURL, _ use: @escaping (ClientResponse) throws(KeyFetchError) -> Void
    ) {
        var request = ClientRequest(.get, url)
        request.add("Accept", "application/json")
        client.send(
            request, timeout: settings.refresh.fetchTimeout,
            bodyByteCountMax: settings.refresh.documentByteCountMax
        ) { [self] result in
            do throws(KeyFetchError) {
                switch result {
                case .failure(let error): throw KeyFetchError(error.description)
                case .success(let response) where response.status == 200: try use(response)
                case .success(let response):
                    throw KeyFetchError("GET \(url.redacted): status \(response.status)")
                }
            } catch {
                failed(error)
            }
        }
    }

    private func failed(_ error: KeyFetchError) {
        refresh.failed(at: reactor.now, random: random)
        status.wentDown(at: reactor.now)
        log.warning(
            ring.isReady
                ? "the authority does not answer; its last keys stay good"
                : "the authority does not answer; no token is good yet",
            [.string("authority", authority.redacted), .reason(error.description)])
    }

    /// Nil where nothing is said; zero for what must not be kept.
    static func maxAge(of response: ClientResponse) -> Duration? {
        var age: Duration?
        for field in response.fields where field.name == "cache-control" {
            for part in field.value.lowercased().split(separator: ",") {
                let directive = String(part.filter { $0 != " " && $0 != "\t" && $0 != "\"" })
                if directive == "no-store" || directive == "no-cache" { return .zero }
                if directive.hasPrefix("max-age="), let seconds = Int32(directive.dropFirst(8)) {
                    age = .seconds(max(0, seconds))
                }
            }
        }
        return age
    }

    /// `unknownType 1, otherUse 2`; `none`.
    private static func text(_ skipped: [JSONWebKeySet.Skip: Int]) -> String {
        let parts = JSONWebKeySet.Skip.allCases.compactMap { skip in
            skipped[skip].map { "\(skip.rawValue) \($0)" }
        }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }
}

@available(*, unavailable)
extension AuthorityLink: Sendable {}
