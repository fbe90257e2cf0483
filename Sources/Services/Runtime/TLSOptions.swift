// TLSOptions: what is configured of the TLS listener, and what the loops are told of it.
//
// Thread: a pure value.

import Loop

public struct TLSOptions: Sendable {
    /// Whether clients are asked for certificates.
    public enum ClientMode: String, Sendable, CaseIterable { case off, optional, required }

    /// PEM; the first is for clients that name no server.
    public var certificateFiles: [String] = []
    /// One for each certificate, in the same order.
    public var keyFiles: [String] = []
    /// OCSP responses.
    public var stapleFiles: [String] = []
    public var clientMode = ClientMode.off
    public var clientAuthorityFile: String?
    /// Nil: the hub's token secret, else random keys.
    public var ticketSecret: String?
    public var ticketKeyFiles: [String] = []
    public var ticketLifetime: Duration = .zero
    public var reloadInterval: Duration = .zero
    public var handshakeTimeout: Duration = .zero
    /// Per loop.
    public var handshakeCountMax = 0
    /// How long browsers shall not come without TLS again; zero: nothing is said.
    public var strictTransportAge: Duration = .zero

    /// The listener's settings; the check has seen that there is a key for each certificate.
    ///
    /// - Parameter hubTokenSecret: what pods share anyway.
    func settings(hubTokenSecret: String?) -> TLSSettings {
        var settings = TLSSettings(
            certificates: zip(certificateFiles, keyFiles).map { .init(certificate: $0, key: $1) })
        settings.stapleFiles = stapleFiles
        settings.ticketLifetime = ticketLifetime
        if !ticketKeyFiles.isEmpty {
            settings.ticketSource = .files(ticketKeyFiles)
        } else if let secret = ticketSecret ?? hubTokenSecret {
            settings.ticketSource = .secret(Array(secret.utf8))
        }
        if let file = clientAuthorityFile {
            switch clientMode {
            case .off: break
            case .optional: settings.clientAuthentication = .optional(authorityFile: file)
            case .required: settings.clientAuthentication = .required(authorityFile: file)
            }
        }
        return settings
    }
}
