// ConfigurationCheck: the rules between settings, and the ones a production system must keep.
//
// Thread: start-up only.  Allocates: freely.

import Hub
import Loop
import WS

struct ConfigurationCheck {
    /// Changed only where a default has to give way (no certificate: no HTTPS).
    private(set) var values: Configuration
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [String] = []
    private let texts: [String: SettingText]
    private let purpose: ConfigurationPurpose

    init(
        _ values: Configuration, _ texts: [String: SettingText], _ purpose: ConfigurationPurpose
    ) {
        self.values = values
        self.texts = texts
        self.purpose = purpose
    }

    mutating func run() {
        checkTLS()
        checkListeners()
        checkIngress()
        checkHub()
        warnPartialEngines()
        switch purpose {
        case .serve: checkIdentity()
        case .token: checkSigningKey()
        case .data, .show: break
        }
    }

    private mutating func refuse(_ name: String, _ text: String) {
        let setting = Settings.named(name)
        let origin = texts[name]?.origin
        let subject =
            origin == nil || origin == "default" ? setting?.flag ?? setting?.variable : origin
        problems.append(.init(.configuration, subject ?? name, text))
    }

    private mutating func checkTLS() {
        let certificateCount = values.tls.certificateFiles.count
        let keyCount = values.tls.keyFiles.count
        if certificateCount > 0, keyCount == 0 {
            refuse("cert", "has no key with it; add --key FILE")
        } else if keyCount > 0, certificateCount == 0 {
            refuse("key", "has no certificate with it; add --cert FILE")
        } else if keyCount != certificateCount {
            refuse(
                "key",
                "has \(keyCount) files for the \(certificateCount) of --cert; "
                    + "give one for each, in the same order")
        }
        if values.tls.clientMode != .off, values.tls.clientAuthorityFile == nil {
            refuse(
                "tls.client-auth", "needs to know who vouches for clients; add --tls-client-ca FILE"
            )
        }
        if values.tls.clientMode == .off, values.tls.clientAuthorityFile != nil {
            refuse("tls.client-ca", "has no effect; add --tls-client-auth optional or required")
        }
        if values.tls.ticketSecret != nil, !values.tls.ticketKeyFiles.isEmpty {
            refuse("tls.ticket-keys", "and tls.ticket-secret exclude each other; remove one")
        }
    }

    private mutating func checkListeners() {
        if values.tls.certificateFiles.isEmpty, values.https != nil {
            if values.tls.keyFiles.isEmpty, texts["https"]?.origin != "default" {
                refuse("https", "needs a certificate; add --cert FILE and --key FILE")
            }
            values.https = nil
        }
        if values.http == nil, values.https == nil, problems.isEmpty {
            refuse("http", "no listener is left; give --http or --https an address")
        }
        if let http = values.http, http.port != 0, http == values.https {
            refuse("https", "is the address of --http too; give it another port")
        }
        if let metrics = values.metrics, metrics.port != 0,
            metrics == values.http || metrics == values.https
        {
            refuse("metrics.listen", "is the address of another listener; give it another port")
        }
    }

    private mutating func checkIngress() {
        if values.ingress.proxies.isEmpty {
            let fix = "believes nobody without --ingress-trusted; name the proxies' networks there"
            if !values.proxiedListeners.isEmpty { refuse("proxy-protocol", fix) }
            if values.identityHeader != nil { refuse("identity-header", fix) }
        } else if values.identityHeader != nil,
            values.ingress.headers.isDisjoint(with: [.forwardedFor, .forwarded])
        {
            refuse(
                "identity-header",
                "counts only on requests that a proxy has passed on; have it say for whom, and add "
                    + "x-forwarded-for or forwarded to --ingress-headers")
        }
    }

    private mutating func checkHub() {
        if values.hub.clientTimeout <= values.hub.keepAliveInterval {
            refuse("hub.client-timeout", "is not longer than hub.keep-alive; double that one")
        }
        if values.hub.invocationCountMax < values.hub.parallelInvocationCountMax {
            refuse("hub.invocations", "is less than hub.parallel-invocations; raise it to that")
        }
    }

    /// Roles in several processes meet through the broker and the state only.
    private mutating func warnPartialEngines() {
        guard values.roles.count < ServiceRole.allCases.count else { return }
        if values.broker.isEmbedded {
            warnings.append("the embedded broker reaches no other process; set --broker amqp://…")
        }
        if values.state.isEmbedded {
            warnings.append("the embedded state reaches no other process; set --state redis://…")
        }
    }

    private mutating func checkIdentity() {
        // A process that only works on the queue sees no token.
        guard values.roles.contains(.accept) || values.roles.contains(.notification) else { return }
        for problem in IdentitySettings(values).problems { refuse(problem.setting, problem.text) }
        if values.isDevelopment {
            warnForeignReach()
            return
        }
        if values.authority != nil { return }
        checkSigningKey()
        if values.tokenIssuer == nil {
            refuse("jwt.issuer", "is not set; name the issuer whose tokens are good, or use --dev")
        }
        if values.tokenAudience == nil {
            refuse("jwt.audience", "is not set; name the audience tokens are for, or use --dev")
        }
    }

    private mutating func checkSigningKey() {
        guard !values.isDevelopment, let weakness = SigningKey.weakness(of: values.signingKey)
        else {
            return
        }
        refuse(
            "jwt.signing-key",
            "the signing key \(weakness); set \(Setting.variable(for: "jwt.signing-key")) "
                + "to at least \(SigningKey.byteCountMin) random bytes, or use --dev")
    }

    private mutating func warnForeignReach() {
        for address in [values.http, values.https].compactMap({ $0 }) where !address.isLoopback {
            warnings.append("development mode gives a token to anyone who can reach \(address)")
        }
    }
}
