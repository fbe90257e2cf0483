// CertificateRenewal: reads the files of TLS again, when asked and when they have changed.
//
//   SIGHUP ──────────────▶ reload ─────────┬─ good ─▶ new connections get it
//   every reload-interval ▶ reloadIfChanged ┘─ not ──▶ all stays, an error in the log, one more try at
//                                                      the next change
//
// Thread: main.  Allocates: per look, the stamps of the files.

import Loop

final class CertificateRenewal {
    private let identity: TLSIdentity
    private let log = Log("tls")
    /// Said already; a text with a number of days is said once a day.
    private var said: Set<String> = []

    init(_ identity: TLSIdentity) { self.identity = identity }

    func reload() {
        attempt { () throws(TLSConfigurationError) in
            try identity.reload()
            return true
        }
    }

    func reloadIfChanged() {
        attempt { () throws(TLSConfigurationError) in try identity.reloadIfChanged() }
    }

    private func attempt(_ reload: () throws(TLSConfigurationError) -> Bool) {
        do throws(TLSConfigurationError) {
            if try reload() { log.info("certificate reloaded") }
        } catch {
            log.error("certificate not reloaded", [.reason(error.description)])
        }
        warn()
    }

    /// Says what has not been said of certificates and OCSP responses at the end of their time.
    func warn() {
        let warnings = Set(identity.warnings)
        for warning in warnings.subtracting(said).sorted() {
            log.warning("certificate", [.reason(warning)])
        }
        said = warnings
    }
}
