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
        var address: ListenAddress
        var bound: String?
    }

    private let entries: Monitor<[Entry]>

    /// Throws if a port is taken.
    init(_ configuration: Configuration, identity: TLSIdentity?) throws(ListenError) {
        var entries: [Entry] = []
        if let address = configuration.http {
            entries.append(Entry(scheme: "http", identity: nil, address: address))
        }
        if let address = configuration.https {
            entries.append(Entry(scheme: "https", identity: identity, address: address))
        }
        for entry in entries {
            try Reactor.checkPortIsFree(host: entry.address.host, port: entry.address.port)
        }
        self.entries = Monitor(entries)
    }

    func listen(on reactor: Reactor, _ server: HTTPServer) throws(ListenError) {
        try entries.update { (entries) throws(ListenError) in
            for position in entries.indices {
                let entry = entries[position]
                let bound = try reactor.listen(
                    host: entry.address.host, port: entry.address.port, identity: entry.identity
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
