// TLSIdentity: who a TLS listener is; replaced as a whole when its files change.
//
// Thread: any; one lock per accepted connection.  Allocates: when it is loaded.

import CLinux
import Glibc
import Synchronization

/// The context that new connections get.
public final class TLSIdentity: Sendable {
    private let settings: TLSSettings
    private let tickets: TLSTicketKeys
    private let time: any TimeSource
    private let state: Mutex<State>

    private struct State {
        var context: TLSContext
        var directory: TLSDirectory
        /// Of the files as they were when they were last read, even in vain.
        var stamps: [FileStamp?]
        var failedReloadCount: UInt64 = 0
    }

    /// One certificate's end, for whoever watches it.
    public struct Expiry: Equatable, Sendable {
        public let certificateFile: String
        /// Since 1970-01-01T00:00:00Z.
        public let seconds: Int64
    }

    public init(
        _ settings: TLSSettings, time: any TimeSource = SystemTime()
    ) throws(TLSConfigurationError) {
        self.settings = settings
        self.time = time
        tickets = try TLSTicketKeys(settings, time: time)
        let stamps = settings.files.map(FileStamp.init(of:))
        let loaded = try TLSDirectory.load(settings, tickets: tickets, time: time)
        state = Mutex(
            State(context: loaded.context, directory: loaded.directory, stamps: stamps))
    }

    /// One certificate for all names.
    public convenience init(
        certificateFile: String, keyFile: String
    ) throws(TLSConfigurationError) {
        try self.init(
            TLSSettings(certificates: [.init(certificate: certificateFile, key: keyFile)]))
    }

    public var current: TLSContext { state.withLock { $0.context } }

    /// What an operator should hear now: certificates and OCSP responses at the end of their time.
    public var warnings: [String] { state.withLock { $0.directory }.warnings }

    public var expiries: [Expiry] {
        state.withLock { $0.directory }.certificates.map {
            Expiry(certificateFile: $0.files.certificate, seconds: $0.validUntil.seconds)
        }
    }

    /// Reloads that left everything as it was.
    public var failedReloadCount: UInt64 { state.withLock { $0.failedReloadCount } }

    /// Reads all files again. Connections that exist keep their context; on an error everything stays
    /// as it was. One thread at a time.
    public func reload() throws(TLSConfigurationError) {
        // Before reading: what is written meanwhile counts as changed again.
        let stamps = settings.files.map(FileStamp.init(of:))
        do throws(TLSConfigurationError) {
            let fresh = try TLSDirectory.load(settings, tickets: tickets, time: time)
            try tickets.reload(settings)
            state.withLock {
                $0.context = fresh.context
                $0.directory = fresh.directory
                $0.stamps = stamps
            }
        } catch {
            state.withLock {
                $0.stamps = stamps
                $0.failedReloadCount += 1
            }
            throw error
        }
    }

    /// Reloads if a file is not the one that was read last.
    ///
    /// - Returns: whether it has reloaded. After an error it does not try again before the next change.
    public func reloadIfChanged() throws(TLSConfigurationError) -> Bool {
        let stamps = settings.files.map(FileStamp.init(of:))
        guard state.withLock({ $0.stamps != stamps }) else { return false }
        try reload()
        return true
    }
}

extension TLSSettings {
    /// All that are read.
    fileprivate var files: [String] {
        var files = certificates.flatMap { [$0.certificate, $0.key] } + stapleFiles
        switch clientAuthentication {
        case .off: break
        case .optional(let file), .required(let file): files.append(file)
        }
        if case .files(let keys) = ticketSource { files += keys }
        return files
    }
}

/// What tells one state of a file from another without reading it; follows links, as Kubernetes changes
/// a mounted secret by changing a link.
private struct FileStamp: Equatable {
    let device: UInt
    let inode: UInt
    let byteCount: Int
    let seconds: Int
    let nanoseconds: Int

    /// Nil for a file that is not there.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        byteCount = status.st_size
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
