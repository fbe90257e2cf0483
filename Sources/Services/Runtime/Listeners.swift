// Listeners: the addresses of the process, one listening socket per address and loop.
//
// Thread: made by main; each loop binds its own sockets, one loop after the other.

import Loop
import WS

/// Port 0 becomes the port that the first loop was given.
final class Listeners: Sendable {
    private struct Entry {
        let scheme: String
        let identity: TLSIdentity?
        /// Nil: connections come without a PROXY header.
        let proxies: TrustedNetworks?
        var address: ListenAddress
        var bound: String?
    }

    private let entries: Monitor<[Entry]>
    /// Nil where there is nothing to count.
    private let admission: Admission?

    /// Throws if a port is taken.
    init(_ configuration: Configuration, identity: TLSIdentity?) throws(ListenError) {
        var entries: [Entry] = []
        func add(_ scheme: String, _ address: ListenAddress?, _ identity: TLSIdentity?) {
            guard let address else { return }
            let isProxied = configuration.proxiedListeners.contains(scheme)
            entries.append(
                Entry(
                    scheme: scheme, identity: identity,
                    proxies: isProxied ? configuration.ingress.proxies : nil, address: address))
        }
        add("http", configuration.http, nil)
        add("https", configuration.https, identity)
        for entry in entries {
            try Reactor.checkPortIsFree(host: entry.address.host, port: entry.address.port)
        }
        self.entries = Monitor(entries)
        var rules = configuration.admission.rules
        rules.trusted = configuration.ingress.proxies
        admission = rules.limitsAnything ? Admission(rules) : nil
    }

    func listen(on reactor: Reactor, _ server: HTTPServer) throws(ListenError) {
        try entries.update { (entries) throws(ListenError) in
            for position in entries.indices {
                let entry = entries[position]
                let bound = try reactor.listen(
                    host: entry.address.host, port: entry.address.port, identity: entry.identity,
                    proxies: entry.proxies, admission: admission, refusal: HTTPServer.refusal,
                    plaintextAnswer: HTTPServer.plaintextAnswer
                ) { _ in server.makeHandler() }
                entries[position].bound = bound
                let digits = bound.split(separator: ":").last ?? ""
                entries[position].address.port = UInt16(digits) ?? entry.address.port
            }
        }
    }

    /// With the host as it was configured: "localhost" is what the certificate names.
    var urls: [String] {
        entries.update { entries in
            entries.map { "\($0.scheme)://\($0.address)" }
        }
    }
}
