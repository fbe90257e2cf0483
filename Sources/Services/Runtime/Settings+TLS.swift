// Settings+TLS: the rows of the table that are about the TLS listener.
//
// Thread: constants.

import Loop

extension Settings {
    static let tls: [Setting] = [
        .list(
            "cert", "FILES", \.tls.certificateFiles,
            "Certificate chains, PEM; chosen by server name, the first for all others"),
        .list(
            "key", "FILES", \.tls.keyFiles,
            "Private keys of the certificates, PEM, in the same order"),
        .list(
            "tls.ocsp", "FILES", \.tls.stapleFiles,
            "OCSP responses to staple, DER; each is matched to its certificate"),
        Setting(
            "tls.client-auth", "MODE", default: TLSOptions.ClientMode.off.rawValue,
            "Certificates of clients: off, optional or required"
        ) { text, configuration throws(SettingValueError) in
            guard let mode = TLSOptions.ClientMode(rawValue: text) else {
                throw SettingValueError("write off, optional or required")
            }
            configuration.tls.clientMode = mode
        },
        .optionalText(
            "tls.client-ca", "FILE", \.tls.clientAuthorityFile,
            "PEM of those who may vouch for clients"),
        Setting(
            "tls.ticket-secret", "TEXT", default: nil, secrecy: .secret,
            "What keys of session tickets are made from, the same in all pods; default: hub.token-secret, else random keys"
        ) { text, configuration throws(SettingValueError) in
            guard text.utf8.count >= 32 else {
                throw SettingValueError("write at least 32 bytes")
            }
            configuration.tls.ticketSecret = text
        },
        .list(
            "tls.ticket-keys", "FILES", \.tls.ticketKeyFiles,
            "Files of 80-byte ticket keys instead; the first key seals, all open"),
        .duration(
            "tls.ticket-lifetime", \.tls.ticketLifetime, in: .seconds(60)...(.seconds(86_400)),
            default: "8h", "How long a session may be resumed, and a made ticket key seals"),
        .duration(
            "tls.reload-interval", \.tls.reloadInterval, in: .seconds(1)...(.seconds(86_400)),
            default: "30s", "Time between two looks whether files of TLS have changed"),
        .duration(
            "tls.handshake-timeout", \.tls.handshakeTimeout, in: .seconds(1)...(.seconds(120)),
            default: "15s", "Time from accept to the end of the TLS handshake"),
        .duration(
            "tls.hsts", \.tls.strictTransportAge, in: .zero...(.seconds(63_072_000)),
            default: "0s", "max-age of Strict-Transport-Security over TLS; 0s: no such header"),
        .integer(
            "limits.handshakes", \.tls.handshakeCountMax, in: 16...1_000_000, default: "2048",
            "TLS handshakes under way per loop; those who come then wait to be accepted"),
    ]
}
