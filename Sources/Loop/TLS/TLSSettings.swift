// TLSSettings: what a TLS listener is told: its certificates, whom it asks for one, its tickets.
//
// Thread: a pure value.

/// Settings of one TLS listener. All files are named, so that they can be read again.
public struct TLSSettings: Sendable {
    /// A certificate with its intermediates, and its private key; both PEM.
    public struct CertificateFiles: Equatable, Sendable {
        public var certificate: String
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// Whether clients are asked for certificates; the file is a PEM of those who may vouch for them.
    public enum ClientAuthentication: Equatable, Sendable {
        case off
        /// A client without one is served; one with a bad one is not.
        case optional(authorityFile: String)
        case required(authorityFile: String)
    }

    /// What the keys of session tickets come from.
    public enum TicketSource: Equatable, Sendable {
        /// Random keys: sessions go on only with this process.
        case random
        /// A secret that all pods share. At least 32 bytes.
        case secret([UInt8])
        /// Files of 80-byte keys; the first key seals.
        case files([String])
    }

    /// At least one. The first is shown to clients that name no server, or one that nobody knows.
    public var certificates: [CertificateFiles]
    /// OCSP responses (DER), in any order: each says which certificate it is for.
    public var stapleFiles: [String] = []
    public var clientAuthentication = ClientAuthentication.off
    public var ticketSource = TicketSource.random
    /// How long a client may go on with a session; also how long a key seals. From 1 minute to 7 days
    /// (RFC 8446 §4.6.1).
    public var ticketLifetime: Duration = .seconds(8 * 3600)

    public init(certificates: [CertificateFiles]) { self.certificates = certificates }
}
